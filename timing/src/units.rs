//! The four units in time: fetch, issue, semaphores and completion, as [`tilewright_arch::timing`]
//! says, from event to event.

use crate::events::{Burst, Bursts, Fetch, Grant, MemoryPort};
use crate::fault::{InstrId, TimingFault};
use crate::order::bits;
use tilewright_arch::instr::{LocalMemory, SEMAPHORE_MAX, SEMAPHORES, Sync, Transfer, Unit};
use tilewright_arch::port::{LOAD, STORE};
use tilewright_arch::program::Program;
use tilewright_arch::timing;

/// The times of one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    /// Fetched and decoded.
    pub ready: u64,
    /// The last signal waited for allows it from here; 0 when it waits for none.
    pub signalled: u64,
    /// The semaphore of that signal.
    pub semaphore: u8,
    /// It starts.
    pub issue: u64,
    /// Its effects are complete and its signals given.
    pub done: u64,
}

/// The whole run in time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    /// For each unit, in the order of [`Unit::ALL`], its instructions.
    pub units: [Vec<Times>; 4],
    /// Cycle in which the machine is done.
    pub cycles: u64,
    /// Cycles in which the memory port transfers a beat.
    pub port_beats: u64,
    /// Unmasked bytes of the instruction fetches, keys included.
    pub fetch_bytes: u64,
    /// Unmasked bytes loaded.
    pub load_bytes: u64,
    /// Of these, bytes for feature memory.
    pub feature_bytes: u64,
    /// Unmasked bytes stored.
    pub store_bytes: u64,
}

/// A store or load under way.
struct TransferProgress {
    bursts: Bursts,
    /// The burst whose request is shown.
    current: Burst,
    /// First read of the current burst (store only).
    read: u64,
    /// End of the burst before the current one (store only).
    end_before: Option<u64>,
}

struct Engine<'a> {
    program: &'a Program,
    syncs: [Vec<Sync>; 4],
    port: MemoryPort,
    /// Bursts of the fetch under way.
    fetch: [Option<Fetch>; 4],
    /// When the prefetched instruction is ready.
    ready: [Option<u64>; 4],
    /// Earliest issue after the instruction before; `None` while that is under way with unknown end.
    free: [Option<u64>; 4],
    moving: [Option<TransferProgress>; 2],
    /// For each semaphore: cycles of its signals, with the signaller; and of its takes.
    signals: [Vec<(u64, (Unit, usize))>; SEMAPHORES],
    takes: [Vec<u64>; SEMAPHORES],
    times: [Vec<Times>; 4],
    feature_bytes: u64,
}

/// Computes all times of a legal program without deadlock.
///
/// # Errors
/// A semaphore that overflows.
pub fn timeline(program: &Program) -> Result<Timeline, TimingFault> {
    let mut engine = Engine {
        program,
        syncs: Unit::ALL.map(|unit| program.syncs(unit)),
        port: MemoryPort::new(&program.config.memory),
        fetch: Default::default(),
        ready: [None; 4],
        free: [Some(0); 4],
        moving: [None, None],
        signals: Default::default(),
        takes: Default::default(),
        times: Default::default(),
        feature_bytes: 0,
    };
    for unit in Unit::ALL {
        engine.start_fetch(unit, timing::START_FETCH);
    }
    engine.run();
    engine.finish()
}

impl Engine<'_> {
    /// Handles events in order of time; at equal times issues come before the grant, because a
    /// request that an issue causes in its own cycle would take part in that cycle's arbitration.
    fn run(&mut self) {
        loop {
            let issue = Unit::ALL.into_iter().filter_map(|u| self.issue(u).map(|t| (t.issue, u))).min();
            match (issue, self.port.grant_cycle()) {
                (Some((at, unit)), grant) if grant.is_none_or(|g| at <= g) => self.start(unit),
                (_, Some(cycle)) => {
                    if let Some(grant) = self.port.grant(cycle) {
                        self.granted(grant);
                    }
                }
                _ => return,
            }
        }
    }

    /// The times of the next instruction of a unit, as soon as its issue is certain.
    fn issue(&self, unit: Unit) -> Option<Times> {
        let u = unit as usize;
        let (ready, free) = (self.ready[u]?, self.free[u]?);
        let mut times = Times { ready, ..Times::default() };
        for s in bits(self.syncs[u][self.times[u].len()].wait) {
            let (signal, _) = self.signals[s].get(self.takes[s].len())?;
            let allowed = signal + timing::SIGNAL_TO_ISSUE;
            if allowed > times.signalled {
                (times.signalled, times.semaphore) = (allowed, s as u8);
            }
        }
        times.issue = ready.max(free).max(times.signalled);
        Some(times)
    }

    /// Issues the next instruction of a unit.
    fn start(&mut self, unit: Unit) {
        let u = unit as usize;
        let Some(mut times) = self.issue(unit) else {
            return;
        };
        let index = self.times[u].len();
        let sync = self.syncs[u][index];
        bits(sync.wait).for_each(|s| self.takes[s].push(times.issue));
        self.ready[u] = None;
        self.free[u] = None;
        let config = &self.program.config;
        match unit {
            Unit::Compute | Unit::Vector => {
                let list = if unit == Unit::Compute { &self.program.compute } else { &self.program.vector };
                times.done = times.issue + timing::duration(&list[index].op, unit, config);
                self.times[u].push(times);
                self.complete(unit, times.done);
            }
            Unit::Load => {
                self.times[u].push(times);
                let op = self.program.load[index].op;
                if op.memory == LocalMemory::Feature {
                    self.feature_bytes += op.line_bytes as u64 * op.lines as u64 * op.planes as u64;
                }
                self.start_transfer(&op, LOAD, times.issue + timing::LOAD_REQUEST);
            }
            Unit::Store => {
                self.times[u].push(times);
                let op = self.program.store[index].op;
                self.start_transfer(&op, STORE, times.issue + timing::STORE_READ);
            }
        }
        self.start_fetch(unit, times.issue + timing::FETCH_NEXT);
    }

    /// Shows the first request of a transfer; `at` is the request (load) or the first read (store).
    fn start_transfer(&mut self, op: &Transfer, master: usize, at: u64) {
        let config = &self.program.config;
        let mut bursts = Bursts::transfer(op, &config.memory);
        let Some(current) = bursts.next() else {
            return;
        };
        let request = if master == LOAD { at } else { at + current.beats + timing::store_latency(config) };
        self.port.request(master, request, current);
        self.moving[master - STORE] = Some(TransferProgress { bursts, current, read: at, end_before: None });
    }

    /// Asks for the next instruction of a unit, if there is one.
    fn start_fetch(&mut self, unit: Unit, cycle: u64) {
        let u = unit as usize;
        let index = self.times[u].len();
        if index >= self.syncs[u].len() {
            return;
        }
        let mut bursts = Bursts::fetch(self.program, unit, index);
        if let Some(burst) = bursts.next() {
            self.port.request(u, cycle, burst);
        }
        self.fetch[u] = Some(bursts);
    }

    fn granted(&mut self, grant: Grant) {
        if grant.master < STORE {
            let u = grant.master;
            match self.fetch[u].as_mut().and_then(Iterator::next) {
                Some(burst) => self.port.request(u, 0, burst),
                None => self.ready[u] = Some(grant.end + timing::FETCH_READY),
            }
            return;
        }
        let place = grant.master - STORE;
        let Some(moving) = self.moving[place].as_mut() else {
            return;
        };
        let Some(next) = moving.bursts.next() else {
            self.moving[place] = None;
            let (unit, after) = if grant.master == LOAD {
                (Unit::Load, timing::LOAD_DONE)
            } else {
                (Unit::Store, timing::STORE_DONE)
            };
            if let Some(times) = self.times[unit as usize].last_mut() {
                times.done = grant.end + after;
            }
            self.complete(unit, grant.end + after);
            return;
        };
        if grant.master == LOAD {
            self.port.request(LOAD, 0, next);
            return;
        }
        let slot = moving.end_before.map_or(0, |end| end + timing::STORE_SLOT);
        moving.read = (moving.read + moving.current.beats + timing::STORE_READ_NEXT).max(slot);
        moving.end_before = Some(grant.end);
        moving.current = next;
        let request = moving.read + next.beats + timing::store_latency(&self.program.config);
        self.port.request(STORE, request, next);
    }

    /// The end of a unit's last issued instruction is known.
    fn complete(&mut self, unit: Unit, done: u64) {
        let u = unit as usize;
        let index = self.times[u].len() - 1;
        self.free[u] = Some(done + timing::ISSUE_NEXT);
        bits(self.syncs[u][index].signal).for_each(|s| self.signals[s].push((done, (unit, index))));
    }

    fn finish(self) -> Result<Timeline, TimingFault> {
        for (semaphore, (signals, takes)) in self.signals.iter().zip(&self.takes).enumerate() {
            let mut taken = 0;
            for (n, &(cycle, (unit, index))) in signals.iter().enumerate() {
                taken += takes[taken..].iter().take_while(|&&t| t <= cycle).count();
                if n + 1 - taken > SEMAPHORE_MAX as usize {
                    return Err(TimingFault::Overflow {
                        site: InstrId::new(self.program, unit, index),
                        semaphore,
                        cycle,
                    });
                }
            }
        }
        let last = self.times.iter().filter_map(|list| list.last()).map(|t| t.done).max();
        let bytes = &self.port.bytes;
        Ok(Timeline {
            cycles: last.unwrap_or(timing::START_FETCH) + timing::FINISH,
            port_beats: self.port.beats,
            fetch_bytes: bytes[..STORE].iter().sum(),
            load_bytes: bytes[LOAD],
            feature_bytes: self.feature_bytes,
            store_bytes: bytes[STORE],
            units: self.times,
        })
    }
}
