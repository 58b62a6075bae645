//! What is known of hosts in this run: how many connections each has, which asked for a pause, and which do not answer.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Hosts, by name and port.
#[derive(Debug)]
pub(super) struct Hosts {
    known: Mutex<Known>,
    changed: Condvar,
    /// Connections at the same time.
    limit: usize,
    /// The same to one host.
    per_host: usize,
}

#[derive(Debug, Default)]
struct Known {
    hosts: HashMap<String, Host>,
    connections: usize,
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
    pub(super) fn new(limit: usize, per_host: usize) -> Self {
        let (known, changed) = (Mutex::default(), Condvar::new());
        Self { known, changed, limit: limit.max(1), per_host: per_host.max(1) }
    }

    /// Waits until the host may have one connection more.
    ///
    /// # Errors
    /// Why the host is not asked any more.
    pub(super) fn enter(&self, name: &str) -> Result<Slot<'_>, String> {
        let mut known = self.lock();
        loop {
            let all = known.connections;
            let host = known.hosts.entry(name.to_owned()).or_default();
            if let Some(reason) = &host.dead {
                return Err(reason.clone());
            }
            let pause = host.paused_until.map(|until| until.saturating_duration_since(Instant::now()));
            match pause.filter(|pause| !pause.is_zero()) {
                Some(pause) => {
                    known = self.changed.wait_timeout(known, pause).unwrap_or_else(PoisonError::into_inner).0;
                }
                None if host.connections < self.per_host && all < self.limit => {
                    host.connections += 1;
                    known.connections += 1;
                    return Ok(Slot { hosts: self, name: name.to_owned() });
                }
                None => known = self.changed.wait(known).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Asks the host nothing for a while, as it wishes.
    pub(super) fn pause(&self, name: &str, until: Instant) {
        let mut known = self.lock();
        let paused = &mut known.hosts.entry(name.to_owned()).or_default().paused_until;
        *paused = Some(paused.map_or(until, |before| before.max(until)));
    }

    /// Asks the host nothing in this run any more.
    pub(super) fn bury(&self, name: &str, reason: String) {
        self.lock().hosts.entry(name.to_owned()).or_default().dead.get_or_insert(reason);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut known = self.hosts.lock();
        known.connections -= 1;
        if let Some(host) = known.hosts.get_mut(&self.name) {
            host.connections -= 1;
        }
        drop(known);
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
        let (hosts, now, most) = (Hosts::new(5, 3), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let _slot = hosts.enter("h:80").expect("lives");
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn all_hosts_together_get_so_many_and_no_more() {
        let hosts = Hosts::new(2, 9);
        let _held = [hosts.enter("a:80").expect("lives"), hosts.enter("b:80").expect("lives")];
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| hosts.enter("c:80").map(drop));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            hosts.bury("c:80", "refused".to_owned());
            assert!(waiting.join().expect("ends").is_err());
        });
    }

    #[test]
    fn a_pause_is_kept_and_the_dead_are_not_waited_for() {
        let hosts = Hosts::new(9, 1);
        let start = Instant::now();
        hosts.pause("h:80", start + Duration::from_millis(30));
        drop(hosts.enter("h:80"));
        assert!(start.elapsed() >= Duration::from_millis(30));
        let _held = hosts.enter("h:80").expect("lives");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| hosts.enter("h:80").map(drop));
            std::thread::sleep(Duration::from_millis(5));
            hosts.bury("h:80", "refused".to_owned());
            assert_eq!(waiting.join().expect("ends"), Err("refused".to_owned()));
        });
        assert!(hosts.enter("other:80").is_ok());
    }
}
