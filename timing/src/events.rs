//! The memory port and the bursts that its masters ask for, event by event.

use std::collections::VecDeque;
use tilewright_arch::config::Memory;
use tilewright_arch::encoding::{KEY_BYTES, instruction_bytes};
use tilewright_arch::instr::{Transfer, Unit};
use tilewright_arch::port::{MASTERS, STORE};
use tilewright_arch::program::Program;
use tilewright_arch::sdram::{Sdram, SdramState};
use tilewright_arch::timing;

/// One burst.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Burst {
    /// Byte address of its first beat.
    pub address: u64,
    /// Beats, masked bytes included.
    pub beats: u64,
    /// Bytes that are not masked.
    pub bytes: u64,
}

/// Lines of external memory, cut into bursts that never cross a multiple of `burst_bytes`.
#[derive(Clone, Debug)]
pub struct Bursts {
    base: i64,
    line_step: i64,
    plane_step: i64,
    line_bytes: u64,
    lines: usize,
    planes: usize,
    /// Position: plane, line, bytes of the line already asked for.
    plane: usize,
    line: usize,
    done: u64,
    burst_bytes: u64,
    bus_bytes: u64,
}

impl Bursts {
    /// The bursts of a transfer.
    pub fn transfer(op: &Transfer, memory: &Memory) -> Bursts {
        Bursts {
            base: op.external as i64,
            line_step: op.external_line,
            plane_step: op.external_plane,
            line_bytes: op.line_bytes as u64,
            lines: op.lines,
            planes: op.planes,
            plane: 0,
            line: 0,
            done: 0,
            burst_bytes: memory.burst_bytes as u64,
            bus_bytes: memory.bus_bytes as u64,
        }
    }

    /// The bursts of the fetch of an instruction; before the first of a list its key is read.
    pub fn fetch(program: &Program, unit: Unit, index: usize) -> Fetch {
        let key = Bursts::line(program.stream_address[unit as usize] as usize, KEY_BYTES, program);
        // No planes: no bursts.
        let key = if index == 0 { key } else { Bursts { planes: 0, ..key } };
        let place = program.instruction_address(unit, index);
        key.chain(Bursts::line(place, instruction_bytes(unit), program))
    }

    /// The bursts of one line.
    fn line(address: usize, bytes: usize, program: &Program) -> Bursts {
        let line =
            Transfer { external: address, line_bytes: bytes, lines: 1, planes: 1, ..Transfer::default() };
        Bursts::transfer(&line, &program.config.memory)
    }
}

/// Bursts of the key and of an instruction.
pub type Fetch = std::iter::Chain<Bursts, Bursts>;

impl Iterator for Bursts {
    type Item = Burst;

    fn next(&mut self) -> Option<Burst> {
        if self.plane == self.planes {
            return None;
        }
        let line = self.base + self.plane as i64 * self.plane_step + self.line as i64 * self.line_step;
        let start = line as u64 + self.done;
        let bytes = (self.line_bytes - self.done).min(self.burst_bytes - start % self.burst_bytes);
        let beats = (start + bytes).div_ceil(self.bus_bytes) - start / self.bus_bytes;
        self.done += bytes;
        if self.done == self.line_bytes {
            self.done = 0;
            self.line += 1;
            if self.line == self.lines {
                self.line = 0;
                self.plane += 1;
            }
        }
        Some(Burst { address: start / self.bus_bytes * self.bus_bytes, beats, bytes })
    }
}

/// A granted burst.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Who gets it.
    pub master: usize,
    /// The burst.
    pub burst: Burst,
    /// Cycle of the grant.
    pub cycle: u64,
    /// Cycle of the last beat.
    pub end: u64,
}

/// The port: one shown request a master, and the bursts under way.
#[derive(Clone, Debug)]
pub struct MemoryPort {
    latency: u64,
    outstanding: usize,
    sdram: Option<(Sdram, SdramState)>,
    /// For each master the cycle from which its request is shown.
    requests: [Option<(u64, Burst)>; MASTERS],
    /// For each master the first cycle in which it may show a request.
    next: [u64; MASTERS],
    /// Accept cycle of the last burst.
    accept: Option<u64>,
    /// Ends of the last `outstanding` bursts, oldest first.
    ends: VecDeque<u64>,
    /// Cycles in which a beat was transferred.
    pub beats: u64,
    /// Unmasked bytes of each master.
    pub bytes: [u64; MASTERS],
}

impl MemoryPort {
    /// An idle port.
    pub fn new(memory: &Memory) -> MemoryPort {
        MemoryPort {
            latency: memory.latency as u64,
            outstanding: memory.outstanding,
            sdram: memory.sdram.clone().map(|chip| {
                let state = SdramState::new(&chip);
                (chip, state)
            }),
            requests: [None; MASTERS],
            next: [0; MASTERS],
            accept: None,
            ends: VecDeque::with_capacity(memory.outstanding + 1),
            beats: 0,
            bytes: [0; MASTERS],
        }
    }

    /// Shows a request of `master` from `cycle` on, or as soon after its last grant as it can.
    pub fn request(&mut self, master: usize, cycle: u64, burst: Burst) {
        self.requests[master] = Some((cycle.max(self.next[master]), burst));
    }

    /// The cycle of the next grant if no request is added before it.
    pub fn grant_cycle(&self) -> Option<u64> {
        let first = self.requests.iter().flatten().map(|r| r.0).min()?;
        Some(first.max(self.accept.unwrap_or(0)))
    }

    /// Grants in `cycle`, which [`MemoryPort::grant_cycle`] gave.
    pub fn grant(&mut self, cycle: u64) -> Option<Grant> {
        let shown = |r: &Option<(u64, Burst)>| r.is_some_and(|(from, _)| from <= cycle);
        let master = self.requests.iter().position(shown)?;
        let (_, burst) = self.requests[master].take()?;
        let mut accept = (cycle + 1).max(self.accept.map_or(0, |a| a + 1));
        if self.ends.len() == self.outstanding {
            accept = accept.max(self.ends.front().map_or(0, |end| end + 1));
        }
        let end = match &mut self.sdram {
            Some((chip, state)) => {
                state.burst(chip, accept, burst.address, burst.beats, master == STORE).last
            }
            None => {
                let start = (accept + self.latency).max(self.ends.back().map_or(0, |end| end + 1));
                start + burst.beats - 1
            }
        };
        self.accept = Some(accept);
        self.ends.push_back(end);
        if self.ends.len() > self.outstanding {
            self.ends.pop_front();
        }
        self.next[master] = cycle + timing::REQUEST_NEXT;
        self.beats += burst.beats;
        self.bytes[master] += burst.bytes;
        Some(Grant { master, burst, cycle, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tilewright_arch::port::LOAD;

    #[test]
    fn bursts_mask_and_split() {
        let memory = Memory { bus_bytes: 4, latency: 1, burst_bytes: 16, outstanding: 1, sdram: None };
        let op = Transfer {
            external: 14,
            external_line: 10,
            line_bytes: 9,
            lines: 2,
            planes: 1,
            ..Transfer::default()
        };
        // Line 14..23 is cut at 16; line 24..33 at 32, its second burst is one byte of a beat.
        let of = |b: Burst| (b.address, b.beats, b.bytes);
        let bursts: Vec<(u64, u64, u64)> = Bursts::transfer(&op, &memory).map(of).collect();
        assert_eq!(bursts, [(12, 1, 2), (16, 2, 7), (24, 2, 8), (32, 1, 1)]);
    }

    #[test]
    fn port_follows_the_rules() {
        let memory = Memory { bus_bytes: 4, latency: 5, burst_bytes: 16, outstanding: 2, sdram: None };
        let mut port = MemoryPort::new(&memory);
        let burst = Burst { address: 0, beats: 4, bytes: 16 };
        port.request(LOAD, 3, burst);
        port.request(0, 3, burst);
        // Highest priority first; one accept a cycle; ends wait for the port and for a free place.
        let mut grants = vec![];
        while let Some(cycle) = port.grant_cycle() {
            let grant = port.grant(cycle).unwrap();
            grants.push((grant.master, grant.cycle, grant.end));
            if grants.len() < 3 {
                port.request(LOAD, 0, burst);
            }
        }
        // accepts: 4, 5, 13 (end 12 of the first + 1)
        assert_eq!(grants, [(0, 3, 12), (LOAD, 4, 16), (LOAD, 6, 21)]);
    }
}
