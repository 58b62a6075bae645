/* Moves the clock, and turns the order of folders round, for the programs that load it before others.
 *
 * SECONDS is how far the clock is moved, BACKWARDS whether folders are listed backwards. File times stay what they are:
 * they are the kernel's, and make compares them with each other. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#if __SIZEOF_LONG__ < 8
#error "where a long has 32 bits, times have two layouts"
#endif

static int is_wall(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

/* The vDSO is asked by nobody: what the kernel says is what is moved. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && is_wall(clock)) now->tv_sec += SECONDS;
    return result;
}

time_t time(time_t *to) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0) return (time_t)-1;
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone) {
    struct timespec now;
    if (zone) memset(zone, 0, sizeof(struct timezone));
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}

int timespec_get(struct timespec *to, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, to) == 0 ? base : 0;
}

/* A deadline that was reckoned from the moved clock is one of the kernel's again; else nobody would live to see it. */
static const struct timespec *kernels(const struct timespec *deadline, struct timespec *moved) {
    struct timespec now;
    if (!deadline || syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) != 0) return deadline;
    if (deadline->tv_sec < now.tv_sec + SECONDS / 2) return deadline;
    *moved = *deadline;
    moved->tv_sec -= SECONDS;
    return moved;
}

static void *next(const char *name) {
    void *found = NULL;
#ifdef __GLIBC__
    /* The first version of these knows another layout. */
    if (strncmp(name, "pthread_cond", 12) == 0) found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
#endif
    return found ? found : dlsym(RTLD_NEXT, name);
}

/* A function of the C library that waits until a deadline, and the same with the deadline put right. FAILED is what it
 * comes to where the library has no such function. */
#define WAITS(name, failed, parameters, arguments)                                                                       \
    int name parameters {                                                                                                \
        static int(*real) parameters;                                                                                    \
        struct timespec moved;                                                                                           \
        if (!real) real = next(#name);                                                                                   \
        if (!real) return failed;                                                                                        \
        deadline = kernels(deadline, &moved);                                                                            \
        return real arguments;                                                                                           \
    }

typedef const struct timespec *deadline_t;

WAITS(pthread_cond_timedwait, ENOSYS, (pthread_cond_t *condition, pthread_mutex_t *mutex, deadline_t deadline),
      (condition, mutex, deadline))
WAITS(pthread_cond_clockwait, ENOSYS,
      (pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, deadline_t deadline),
      (condition, mutex, clock, deadline))
WAITS(pthread_mutex_timedlock, ENOSYS, (pthread_mutex_t *mutex, deadline_t deadline), (mutex, deadline))
WAITS(pthread_mutex_clocklock, ENOSYS, (pthread_mutex_t *mutex, clockid_t clock, deadline_t deadline),
      (mutex, clock, deadline))
WAITS(pthread_rwlock_timedrdlock, ENOSYS, (pthread_rwlock_t *lock, deadline_t deadline), (lock, deadline))
WAITS(pthread_rwlock_timedwrlock, ENOSYS, (pthread_rwlock_t *lock, deadline_t deadline), (lock, deadline))
WAITS(pthread_rwlock_clockrdlock, ENOSYS, (pthread_rwlock_t *lock, clockid_t clock, deadline_t deadline),
      (lock, clock, deadline))
WAITS(pthread_rwlock_clockwrlock, ENOSYS, (pthread_rwlock_t *lock, clockid_t clock, deadline_t deadline),
      (lock, clock, deadline))
WAITS(pthread_timedjoin_np, ENOSYS, (pthread_t thread, void **result, deadline_t deadline), (thread, result, deadline))
WAITS(pthread_clockjoin_np, ENOSYS, (pthread_t thread, void **result, clockid_t clock, deadline_t deadline),
      (thread, result, clock, deadline))
WAITS(sem_timedwait, (errno = ENOSYS, -1), (sem_t *semaphore, deadline_t deadline), (semaphore, deadline))
WAITS(sem_clockwait, (errno = ENOSYS, -1), (sem_t *semaphore, clockid_t clock, deadline_t deadline),
      (semaphore, clock, deadline))
WAITS(cnd_timedwait, 4 /* thrd_error */, (void *condition, void *mutex, deadline_t deadline), (condition, mutex, deadline))
WAITS(mtx_timedlock, 4 /* thrd_error */, (void *mutex, deadline_t deadline), (mutex, deadline))

/* Timers that go off at a time of day. */
#define GOES_OFF(name, type)                                                                                             \
    int name(type timer, int flags, const struct itimerspec *to, struct itimerspec *before) {                            \
        static int (*real)(type, int, const struct itimerspec *, struct itimerspec *);                                   \
        struct timespec moved;                                                                                           \
        struct itimerspec own;                                                                                           \
        if (!real) real = next(#name);                                                                                   \
        if (!real) return errno = ENOSYS, -1;                                                                            \
        if (!to) return real(timer, flags, to, before);                                                                  \
        own = *to;                                                                                                       \
        own.it_value = *kernels(&to->it_value, &moved);                                                                  \
        return real(timer, flags, &own, before);                                                                         \
    }

GOES_OFF(timer_settime, timer_t)
GOES_OFF(timerfd_settime, int)

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    struct timespec moved;
    const struct timespec *deadline = until;
    if ((flags & TIMER_ABSTIME) && is_wall(clock)) deadline = kernels(until, &moved);
    return syscall(SYS_clock_nanosleep, clock, flags, deadline, left) == 0 ? 0 : errno;
}

#if BACKWARDS

/* What a folder lists, read at once and given out from its end. */
struct listing {
    DIR *folder;
    struct dirent **entries;
    size_t count, given;
    struct listing *other;
};

static struct listing *listings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct listing **find(DIR *folder) {
    struct listing **at = &listings;
    while (*at && (*at)->folder != folder) at = &(*at)->other;
    return at;
}

static void forget(DIR *folder) {
    struct listing **at = find(folder), *gone = *at;
    if (!gone) return;
    *at = gone->other;
    for (size_t index = 0; index < gone->count; index++) free(gone->entries[index]);
    free(gone->entries);
    free(gone);
}

static struct listing *listed(DIR *folder) {
    static struct dirent *(*real)(DIR *);
    struct listing *known = *find(folder);
    if (known) return known;
    if (!real) real = next("readdir");
    if (!real || !(known = calloc(1, sizeof *known))) return NULL;
    known->folder = folder;
    for (;;) {
        struct dirent *entry = real(folder), *copy, **more;
        if (!entry) break;
        more = realloc(known->entries, (known->count + 1) * sizeof *more);
        if (!more) break;
        known->entries = more;
        if (!(copy = malloc(entry->d_reclen))) break;
        memcpy(copy, entry, entry->d_reclen);
        known->entries[known->count++] = copy;
    }
    known->other = listings;
    return listings = known;
}

struct dirent *readdir(DIR *folder) {
    int before = errno;
    struct dirent *entry = NULL;
    pthread_mutex_lock(&lock);
    struct listing *all = listed(folder);
    if (all && all->given < all->count) entry = all->entries[all->count - ++all->given];
    pthread_mutex_unlock(&lock);
    errno = before;
    return entry;
}

int readdir_r(DIR *restrict folder, struct dirent *restrict to, struct dirent **restrict result) {
    struct dirent *entry = readdir(folder);
    if (entry) memcpy(to, entry, entry->d_reclen);
    *result = entry ? to : NULL;
    return 0;
}

/* The C library's own does not ask for readdir by its name. */
int scandir(const char *path, struct dirent ***to, int (*wanted)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **)) {
    DIR *folder = opendir(path);
    struct dirent *entry, **found = NULL;
    size_t count = 0;
    if (!folder) return -1;
    while ((entry = readdir(folder))) {
        if (wanted && !wanted(entry)) continue;
        struct dirent **more = realloc(found, (count + 1) * sizeof *more);
        if (more) found = more;
        if (!more || !(found[count] = malloc(entry->d_reclen))) {
            while (count) free(found[--count]);
            free(found);
            closedir(folder);
            errno = ENOMEM;
            return -1;
        }
        memcpy(found[count++], entry, entry->d_reclen);
    }
    closedir(folder);
    if (compare && count) qsort(found, count, sizeof *found, (int (*)(const void *, const void *))compare);
    *to = found;
    return (int)count;
}

#ifdef __GLIBC__
int scandir64(const char *path, struct dirent64 ***to, int (*wanted)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
    return scandir(path, (struct dirent ***)to, (int (*)(const struct dirent *))wanted,
                   (int (*)(const struct dirent **, const struct dirent **))compare);
}

struct dirent64 *readdir64(DIR *folder) {
    return (struct dirent64 *)readdir(folder);
}
#endif

long telldir(DIR *folder) {
    pthread_mutex_lock(&lock);
    struct listing *all = listed(folder);
    long at = all ? (long)all->given : 0;
    pthread_mutex_unlock(&lock);
    return at;
}

void seekdir(DIR *folder, long at) {
    pthread_mutex_lock(&lock);
    struct listing *all = listed(folder);
    if (all && at >= 0 && (size_t)at <= all->count) all->given = (size_t)at;
    pthread_mutex_unlock(&lock);
}

void rewinddir(DIR *folder) {
    static void (*real)(DIR *);
    pthread_mutex_lock(&lock);
    forget(folder);
    if (!real) real = next("rewinddir");
    if (real) real(folder);
    pthread_mutex_unlock(&lock);
}

int closedir(DIR *folder) {
    static int (*real)(DIR *);
    pthread_mutex_lock(&lock);
    forget(folder);
    if (!real) real = next("closedir");
    pthread_mutex_unlock(&lock);
    return real ? real(folder) : -1;
}

#endif
