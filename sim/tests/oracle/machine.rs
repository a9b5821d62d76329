//! The four units, a cycle at a time.

use super::port::Port;
use super::values::Memories;
use std::collections::VecDeque;
use tilewright_arch::encoding::{KEY_BYTES, instruction_bytes};
use tilewright_arch::instr::{SEMAPHORES, Sync, TileOp, Transfer, Unit};
use tilewright_arch::program::Program;
use tilewright_arch::timing as t;

#[derive(Clone, Copy)]
#[allow(clippy::large_enum_variant)] // one at a time
enum Op {
    Tile(TileOp),
    Transfer(Transfer),
}

impl Op {
    fn sync(&self) -> Sync {
        match self {
            Op::Tile(op) => op.sync,
            Op::Transfer(op) => op.sync,
        }
    }
}

/// Beats of the bursts still to be asked for, and how many have not ended.
#[derive(Default)]
struct Queue {
    bursts: VecDeque<u64>,
    open: usize,
}

struct Runner {
    unit: Unit,
    total: usize,
    /// Instructions fetched (completely asked for) and issued.
    fetched: usize,
    issued: usize,
    fetch: Queue,
    fetching: bool,
    fetch_from: u64,
    ready: Option<u64>,
    current: Option<Op>,
    issue: u64,
    /// Known end of the current instruction.
    done: Option<u64>,
    free_from: u64,
    data: Queue,
    /// Store: bursts that wait to be read; being read (beats left, beats); read (available from).
    reads: VecDeque<u64>,
    reading: Option<(u64, u64)>,
    read_from: u64,
    slots: Vec<u64>,
    filled: VecDeque<(u64, u64)>,
    last_done: Option<u64>,
}

/// Beats of the bursts of one line.
fn bursts(start: u64, bytes: u64, program: &Program) -> Vec<u64> {
    let memory = &program.config.memory;
    let (bus, burst) = (memory.bus_bytes as u64, memory.burst_bytes as u64);
    let mut list: Vec<u64> = vec![];
    for beat in start / bus..=(start + bytes - 1) / bus {
        if list.is_empty() || beat * bus % burst == 0 {
            list.push(0);
        }
        *list.last_mut().unwrap() += 1;
    }
    list
}

/// Runs a program; returns the cycles.
pub fn run(program: &Program, external: &mut [u8]) -> u64 {
    let config = &program.config;
    let mut memories = Memories::new(config);
    let mut port = Port::default();
    // For each semaphore the cycles of signals not taken yet.
    let mut semaphores: Vec<VecDeque<u64>> = vec![VecDeque::new(); SEMAPHORES];
    let mut units: Vec<Runner> = Unit::ALL
        .into_iter()
        .map(|unit| Runner {
            unit,
            total: program.counts()[unit as usize],
            fetched: 0,
            issued: 0,
            fetch: Queue::default(),
            fetching: false,
            fetch_from: t::START_FETCH,
            ready: None,
            current: None,
            issue: 0,
            done: None,
            free_from: 0,
            data: Queue::default(),
            reads: VecDeque::new(),
            reading: None,
            read_from: 0,
            slots: vec![],
            filled: VecDeque::new(),
            last_done: None,
        })
        .collect();
    for cycle in 0..10_000_000 {
        for unit in &mut units {
            unit.finish(cycle, &mut memories, &mut semaphores, external);
        }
        for unit in &mut units {
            unit.start(cycle, program, &mut semaphores, external);
        }
        for unit in &mut units {
            unit.ask(cycle, program, &mut port);
        }
        let (granted, ended) = port.step(cycle, &config.memory);
        let owner = |master: usize| [0, 1, 2, 3, 3, 2][master];
        if let Some(master) = granted {
            let unit = &mut units[owner(master)];
            let queue = if master < 4 { &mut unit.fetch } else { &mut unit.data };
            queue.bursts.pop_front();
            if master == 4 {
                unit.filled.pop_front();
            }
        }
        if let Some(master) = ended {
            units[owner(master)].ended(cycle, master);
        }
        if units.iter().all(|u| u.issued == u.total && u.current.is_none()) {
            let last = units.iter().filter_map(|u| u.last_done).max();
            return last.unwrap_or(t::START_FETCH) + t::FINISH;
        }
    }
    panic!("the program does not end");
}

impl Runner {
    /// Completes the current instruction in its done cycle: values appear, signals are given.
    fn finish(
        &mut self,
        cycle: u64,
        memories: &mut Memories,
        semaphores: &mut [VecDeque<u64>],
        external: &mut [u8],
    ) {
        if self.done != Some(cycle) {
            return;
        }
        let op = self.current.take().unwrap();
        match &op {
            Op::Tile(op) => memories.tile(op, self.unit),
            Op::Transfer(op) => memories.transfer(op, self.unit, external),
        }
        for (s, semaphore) in semaphores.iter_mut().enumerate() {
            if op.sync().signal >> s & 1 == 1 {
                semaphore.push_back(cycle);
                assert!(semaphore.len() <= 255);
            }
        }
        self.done = None;
        self.last_done = Some(cycle);
        self.free_from = cycle + t::ISSUE_NEXT;
    }

    fn start(&mut self, cycle: u64, program: &Program, semaphores: &mut [VecDeque<u64>], external: &[u8]) {
        let Some(ready) = self.ready else {
            return;
        };
        if self.current.is_some() || cycle < ready || cycle < self.free_from {
            return;
        }
        let lanes = program.config.lanes;
        let stream = program.stream_address[self.unit as usize] as usize;
        let key = tilewright_arch::isa::key(&program.config).to_le_bytes();
        assert_eq!(external[stream..stream + KEY_BYTES], key, "a foreign program");
        // The key has the place of the first instruction.
        let bytes = &external[stream + (1 + self.issued) * instruction_bytes(self.unit)..];
        let op = match self.unit {
            Unit::Compute | Unit::Vector => Op::Tile(TileOp::decode(bytes, lanes)),
            _ => Op::Transfer(Transfer::decode(bytes, lanes).unwrap()),
        };
        let wait = |s: &usize| op.sync().wait >> s & 1 == 1;
        let usable = |s: usize| semaphores[s].front().is_some_and(|&at| cycle >= at + t::SIGNAL_TO_ISSUE);
        if !(0..SEMAPHORES).filter(wait).all(usable) {
            return;
        }
        (0..SEMAPHORES).filter(wait).for_each(|s| {
            semaphores[s].pop_front();
        });
        self.current = Some(op);
        self.issue = cycle;
        self.issued += 1;
        self.ready = None;
        self.fetch_from = cycle + t::FETCH_NEXT;
        match op {
            Op::Tile(op) => self.done = Some(cycle + t::duration(&op, self.unit, &program.config)),
            Op::Transfer(op) => {
                let mut list = VecDeque::new();
                for p in 0..op.planes as i64 {
                    for l in 0..op.lines as i64 {
                        let start = op.external as i64 + p * op.external_plane + l * op.external_line;
                        list.extend(bursts(start as u64, op.line_bytes as u64, program));
                    }
                }
                self.reads = list.clone();
                self.read_from = cycle + t::STORE_READ;
                self.slots = vec![0, 0];
                self.data = Queue { open: list.len(), bursts: list };
            }
        }
    }

    /// Shows requests.
    fn ask(&mut self, cycle: u64, program: &Program, port: &mut Port) {
        let master = self.unit as usize;
        if self.fetched < self.total
            && !self.fetching
            && self.fetched == self.issued
            && cycle >= self.fetch_from
        {
            let size = instruction_bytes(self.unit) as u64;
            let stream = u64::from(program.stream_address[master]);
            let key = if self.fetched == 0 { bursts(stream, KEY_BYTES as u64, program) } else { vec![] };
            let instruction = bursts(stream + (1 + self.fetched as u64) * size, size, program);
            let list: VecDeque<u64> = key.into_iter().chain(instruction).collect();
            self.fetch = Queue { open: list.len(), bursts: list };
            self.fetching = true;
        }
        if self.fetching && port.may_show(master, cycle) {
            port.shown[master] = self.fetch.bursts.front().copied();
        }
        match self.unit {
            Unit::Load if cycle >= self.issue + t::LOAD_REQUEST && port.may_show(5, cycle) => {
                port.shown[5] = self.data.bursts.front().copied();
            }
            Unit::Store => {
                self.read(cycle, program);
                let filled = self.filled.front().filter(|f| cycle >= f.0);
                if port.may_show(4, cycle) {
                    port.shown[4] = filled.map(|f| f.1);
                }
            }
            _ => {}
        }
    }

    /// Store: reads a beat of feature memory into a slot.
    fn read(&mut self, cycle: u64, program: &Program) {
        if let (None, Some(&beats)) = (self.reading, self.reads.front()) {
            let free = self.slots.iter().position(|&from| cycle >= from);
            if let (true, Some(slot)) = (cycle >= self.read_from, free) {
                self.reads.pop_front();
                self.slots.remove(slot);
                self.reading = Some((beats, beats));
            }
        }
        if let Some((left, beats)) = self.reading {
            self.reading = Some((left - 1, beats));
            if left == 1 {
                self.reading = None;
                self.read_from = cycle + 1 + t::STORE_READ_NEXT;
                self.filled.push_back((cycle + 1 + t::store_latency(&program.config), beats));
            }
        }
    }

    fn ended(&mut self, cycle: u64, master: usize) {
        if master < 4 {
            self.fetch.open -= 1;
            if self.fetch.open == 0 {
                self.fetching = false;
                self.fetched += 1;
                self.ready = Some(cycle + t::FETCH_READY);
            }
            return;
        }
        self.data.open -= 1;
        self.slots.push(cycle + t::STORE_SLOT);
        if self.data.open == 0 {
            let after = if self.unit == Unit::Load { t::LOAD_DONE } else { t::STORE_DONE };
            self.done = Some(cycle + after);
        }
    }
}
