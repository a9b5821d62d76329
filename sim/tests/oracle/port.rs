//! The memory port, a cycle at a time.

use std::collections::VecDeque;
use tilewright_arch::config::Memory;
use tilewright_arch::timing::REQUEST_NEXT;

/// A burst that was accepted: its master, when, and the beats still to come.
struct Accepted {
    master: usize,
    cycle: u64,
    beats: u64,
}

#[derive(Default)]
pub struct Port {
    /// Beats of the request that each master shows.
    pub shown: [Option<u64>; 6],
    /// Cycle of each master's last grant.
    pub granted: [Option<u64>; 6],
    /// The granted burst that is not yet accepted: master, beats, cycle of grant.
    register: Option<(usize, u64, u64)>,
    under_way: VecDeque<Accepted>,
}

impl Port {
    /// Whether a master may show a request in this cycle.
    pub fn may_show(&self, master: usize, cycle: u64) -> bool {
        self.shown[master].is_none() && self.granted[master].is_none_or(|g| cycle >= g + REQUEST_NEXT)
    }

    /// One cycle: acceptance, arbitration, beat. Returns who was granted, and whose burst had its
    /// last beat.
    pub fn step(&mut self, cycle: u64, memory: &Memory) -> (Option<usize>, Option<usize>) {
        if let Some((master, beats, granted)) = self.register
            && cycle > granted
            && self.under_way.len() < memory.outstanding
        {
            self.under_way.push_back(Accepted { master, cycle, beats });
            self.register = None;
        }
        let mut granted = None;
        if self.register.is_none() {
            granted = (0..6).find(|&m| self.shown[m].is_some());
            if let Some(master) = granted {
                let beats = self.shown[master].take().unwrap();
                self.register = Some((master, beats, cycle));
                self.granted[master] = Some(cycle);
            }
        }
        let mut ended = None;
        if let Some(head) = self.under_way.front_mut()
            && cycle >= head.cycle + memory.latency as u64
        {
            head.beats -= 1;
            if head.beats == 0 {
                ended = Some(head.master);
                self.under_way.pop_front();
            }
        }
        (granted, ended)
    }
}
