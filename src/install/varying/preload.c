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

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    struct timespec moved;
    if (!real) real = next("pthread_cond_timedwait");
    return real ? real(condition, mutex, kernels(deadline, &moved)) : ENOSYS;
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline) {
    static int (*real)(pthread_mutex_t *, const struct timespec *);
    struct timespec moved;
    if (!real) real = next("pthread_mutex_timedlock");
    return real ? real(mutex, kernels(deadline, &moved)) : ENOSYS;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
    static int (*real)(sem_t *, const struct timespec *);
    struct timespec moved;
    if (!real) real = next("sem_timedwait");
    if (real) return real(semaphore, kernels(deadline, &moved));
    errno = ENOSYS;
    return -1;
}

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

#ifdef __GLIBC__
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
