//! What is known of hosts in this run: how many connections each has, which asked for a pause, and which do not answer.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Hosts, by name and port.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: Mutex<HashMap<String, Host>>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Host {
    connections: usize,
    /// Nobody asks before.
    paused_until: Option<Instant>,
    /// Why it is not asked any more.
    dead: Option<String>,
}

/// One connection's right to a host.
#[derive(Debug)]
pub(super) struct Slot<'h> {
    hosts: &'h Hosts,
    name: String,
}

impl Hosts {
    /// Waits until the host may have one connection more.
    ///
    /// # Errors
    /// Why the host is not asked any more.
    pub(super) fn enter(&self, name: &str, limit: usize) -> Result<Slot<'_>, String> {
        let mut hosts = self.lock();
        loop {
            let host = hosts.entry(name.to_owned()).or_default();
            if let Some(reason) = &host.dead {
                return Err(reason.clone());
            }
            let pause = host.paused_until.map(|until| until.saturating_duration_since(Instant::now()));
            match pause.filter(|pause| !pause.is_zero()) {
                Some(pause) => {
                    hosts = self.changed.wait_timeout(hosts, pause).unwrap_or_else(PoisonError::into_inner).0;
                }
                None if host.connections < limit.max(1) => {
                    host.connections += 1;
                    return Ok(Slot { hosts: self, name: name.to_owned() });
                }
                None => hosts = self.changed.wait(hosts).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Asks the host nothing for a while, as it wishes.
    pub(super) fn pause(&self, name: &str, until: Instant) {
        let mut hosts = self.lock();
        let paused = &mut hosts.entry(name.to_owned()).or_default().paused_until;
        *paused = Some(paused.map_or(until, |before| before.max(until)));
    }

    /// Asks the host nothing in this run any more.
    pub(super) fn bury(&self, name: &str, reason: String) {
        self.lock().entry(name.to_owned()).or_default().dead.get_or_insert(reason);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(host) = self.hosts.lock().get_mut(&self.name) {
            host.connections -= 1;
        }
        self.hosts.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_host_gets_so_many_connections_and_no_more() {
        let (hosts, now, most) = (Hosts::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let _slot = hosts.enter("h:80", 3).expect("lives");
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_pause_is_kept_and_the_dead_are_not_waited_for() {
        let hosts = Hosts::default();
        let start = Instant::now();
        hosts.pause("h:80", start + Duration::from_millis(30));
        drop(hosts.enter("h:80", 1));
        assert!(start.elapsed() >= Duration::from_millis(30));
        let _held = hosts.enter("h:80", 1).expect("lives");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| hosts.enter("h:80", 1).map(drop));
            std::thread::sleep(Duration::from_millis(5));
            hosts.bury("h:80", "refused".to_owned());
            assert_eq!(waiting.join().expect("ends"), Err("refused".to_owned()));
        });
        assert!(hosts.enter("other:80", 1).is_ok());
    }
}
