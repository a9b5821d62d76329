//! From the fixed graph to a [`Program`]: buffers and order ([`plan`]), tile operations
//! ([`crate::tile`]), places of constants ([`memory`]), semaphores ([`hazards`]), and the layout of
//! external memory.

pub mod hazards;
pub mod memory;
pub mod plan;

use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, Place, Reduction, Tensor, TensorId, View};
use crate::graph::{DepthToSpaceMode, Window};
use crate::tile::{self, Operands, Part, Placed};
use hazards::Access;
use memory::Ring;
use plan::{Plan, Step};
use std::collections::BTreeMap;
use std::ops::Range;
use tilewright_arch::Config;
use tilewright_arch::encoding::TILE_BYTES;
use tilewright_arch::fixed::{CHANNEL_BYTES, Channel, Post};
use tilewright_arch::instr::{Memory, TileOp, Transfer, Unit};
use tilewright_arch::program::{Layer, Line, Port, Program};

/// A program and how it came about.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    /// The program.
    pub program: Program,
    /// Buffers and order of work.
    pub plan: Plan,
}

/// Compiles a fixed graph for a machine, with the first plan that fits.
pub fn run(graph: &FixedGraph, config: &Config) -> Result<Schedule> {
    let (graph, mut plans) = prepare(graph, config)?;
    emit(&graph, config, plans.swap_remove(0))
}

/// Compiles a fixed graph with every plan worth trying, for the caller to choose by exact timing.
pub fn candidates(graph: &FixedGraph, config: &Config) -> Result<Vec<Schedule>> {
    let (graph, plans) = prepare(graph, config)?;
    plans.into_iter().map(|plan| emit(&graph, config, plan)).collect()
}

fn prepare(graph: &FixedGraph, config: &Config) -> Result<(FixedGraph, Vec<Plan>)> {
    config.validate().map_err(|e| Error::new("schedule", e.to_string()))?;
    let graph = separate_ports(graph);
    let plans = plan::candidates(&graph, config)?;
    Ok((graph, plans))
}

fn emit(graph: &FixedGraph, config: &Config, plan: Plan) -> Result<Schedule> {
    let mut emitter = Emitter::new(graph, config, &plan);
    for step in &plan.steps {
        emitter.step(step)?;
    }
    let program = emitter.finish()?;
    program.validate().map_err(|e| {
        Error::new("schedule", format!("the compiler made a program that breaks the machine's rules: {e}"))
            .file(&graph.name)
            .hint("this is a defect of the compiler: please report it with the model")
    })?;
    Ok(Schedule { program, plan })
}

/// A node whose operand is also its input would read one page twice in a cycle: it gets a copy.
fn separate_ports(graph: &FixedGraph) -> FixedGraph {
    let mut out = FixedGraph { nodes: vec![], ..graph.clone() };
    for node in &graph.nodes {
        let mut node = node.clone();
        if let Some(operand) = &mut node.operand
            && operand.view.tensor == node.input.tensor
        {
            let copy = TensorId(out.tensors.len() as u32);
            let from = operand.view;
            // Repeated elements need not be copied again and again.
            let shape = [0, 1, 2].map(|i| if from.step[i] == 0 { 1 } else { from.shape[i] });
            let tensor = Tensor { shape, ..out.tensor(from.tensor).clone() };
            out.nodes.push(FixedNode {
                name: node.name.clone(),
                operator: "copy".into(),
                input: View { shape, ..from },
                window: Window::UNIT,
                reduction: Reduction::Sum,
                // (x - zero) * 32768 / 2^(7 + 8) + zero = x
                channels: vec![Channel {
                    bias: -i32::from(tensor.zero),
                    mantissa: 32768,
                    negative_mantissa: 32768,
                    shift: 7,
                }],
                operand: None,
                post: Post { zero: tensor.zero, ..Post::default() },
                table: None,
                output: View::whole(copy, shape),
                place: Place {
                    region: [0, 0, shape[1], shape[2]],
                    depth_to_space: (1, DepthToSpaceMode::Dcr),
                },
            });
            out.tensors.push(tensor);
            let whole = View::whole(copy, shape);
            operand.view = View { shape: from.shape, step: [0, 1, 2].map(|i| from.step[i].min(1)), ..whole };
        }
        out.nodes.push(node);
    }
    out
}

/// An instruction with what it touches.
struct Emitted {
    unit: Unit,
    op: Op,
    layer: u16,
    accesses: Vec<Access>,
}

enum Op {
    Tile(TileOp),
    Transfer(Transfer),
}

/// A constant block in external memory.
struct Blob {
    address: usize,
    bytes: Vec<u8>,
}

struct Emitter<'a> {
    graph: &'a FixedGraph,
    config: &'a Config,
    plan: &'a Plan,
    emitted: Vec<Emitted>,
    blobs: Vec<Blob>,
    /// Blob number by contents: equal constants are stored and loaded once.
    contents: BTreeMap<Vec<u8>, usize>,
    /// Bytes of external memory given out.
    used: usize,
    /// Weights, compute parameters, vector parameters, tables.
    rings: [Ring; 4],
    external: BTreeMap<TensorId, usize>,
    layers: Vec<Layer>,
}

impl<'a> Emitter<'a> {
    fn new(graph: &'a FixedGraph, config: &'a Config, plan: &'a Plan) -> Emitter<'a> {
        let mut emitter = Emitter {
            graph,
            config,
            plan,
            emitted: vec![],
            blobs: vec![],
            contents: BTreeMap::new(),
            used: 0,
            rings: [
                Ring::new(config.weight_words, true),
                Ring::new(config.parameter_words, false),
                Ring::new(config.parameter_words, false),
                Ring::new(config.tables, false),
            ],
            external: BTreeMap::new(),
            layers: graph
                .nodes
                .iter()
                .map(|n| Layer { name: n.name.clone(), operator: n.operator.clone(), macs: 0 })
                .collect(),
        };
        for (tensor, elements) in &graph.constants {
            let address = emitter.allot(elements.len());
            emitter.external.insert(*tensor, address);
            let bytes = elements.iter().map(|&b| b as u8).collect();
            emitter.blobs.push(Blob { address, bytes });
        }
        for (tensor, _) in graph.inputs.iter().chain(&graph.outputs) {
            let bytes = graph.tensor(*tensor).elements();
            let address = emitter.allot(bytes);
            emitter.external.entry(*tensor).or_insert(address);
        }
        emitter
    }

    /// External bytes on a boundary no instruction or burst crosses.
    fn allot(&mut self, bytes: usize) -> usize {
        let boundary = TILE_BYTES.max(self.config.memory.burst_bytes);
        let address = self.used.next_multiple_of(boundary);
        self.used = address + bytes;
        address
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Load(t, rows) => self.move_rows(Unit::Load, *t, rows.clone()),
            Step::Store(t, rows) => self.move_rows(Unit::Store, *t, rows.clone()),
            Step::Node(n, rows) => self.node(*n, rows.clone()),
        }
    }

    fn page_bytes(&self) -> usize {
        plan::page_bytes(self.config)
    }

    fn rows(&self, tensor: TensorId, rows: Range<usize>, write: bool) -> Access {
        let buffer = &self.plan.buffers[tensor.0 as usize];
        Access::Rows {
            buffer: tensor.0 as usize,
            rows: buffer.held(rows),
            pages: buffer.pages(self.page_bytes()),
            write,
        }
    }

    /// The layer that a transfer of a tensor counts for: the node that first reads or makes it.
    fn layer_of(&self, tensor: TensorId) -> u16 {
        let near = |n: &FixedNode| n.output.tensor == tensor || n.reads().any(|v| v.tensor == tensor);
        self.graph.nodes.iter().position(near).unwrap_or(0) as u16
    }

    /// Rows of an input or output tensor, cut where the ring wraps.
    fn move_rows(&mut self, unit: Unit, tensor: TensorId, rows: Range<usize>) -> Result<()> {
        let buffer = self.plan.buffers[tensor.0 as usize].clone();
        let [channels, height, width] = buffer.shape;
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min((start / buffer.rows + 1) * buffer.rows);
            let count = end - start;
            let mut op = Transfer {
                memory: Memory::Feature,
                external: (self.external[&tensor] + start * width) as u32,
                external_line: width as i32,
                external_plane: (height * width) as i32,
                local: (buffer.base + start % buffer.rows * buffer.pitch) as i32,
                local_line: buffer.pitch as i32,
                local_plane: buffer.plane as i32,
                line_bytes: width as u32,
                lines: count as u16,
                planes: channels as u16,
                ..Transfer::default()
            };
            if buffer.pitch == width || count == 1 {
                // Rows follow each other on both sides: a plane is one line.
                op.line_bytes = (count * width) as u32;
                op.lines = op.planes;
                op.planes = 1;
                (op.external_line, op.local_line) = (op.external_plane, op.local_plane);
                if buffer.plane == height * width && count == height {
                    op.line_bytes *= u32::from(op.lines);
                    op.lines = 1;
                }
            }
            let accesses = vec![self.rows(tensor, start..end, unit == Unit::Load)];
            self.emitted.push(Emitted { unit, op: Op::Transfer(op), layer: self.layer_of(tensor), accesses });
            start = end;
        }
        Ok(())
    }

    fn node(&mut self, index: usize, rows: Range<usize>) -> Result<()> {
        let node = &self.graph.nodes[index];
        let at = Operands::new(node, |t| &self.plan.buffers[t.0 as usize]);
        let parts = tile::parts(self.graph, node, at, rows.clone(), self.config)?;
        let mut features = vec![self.rows(node.output.tensor, tile::writes(node, rows.clone()), true)];
        let mut factors = None;
        for (tensor, read) in tile::reads(node, rows) {
            let access = self.rows(tensor, read, false);
            match &node.reduction {
                // The array reads weights, not the tensor they come from.
                Reduction::Product { weights } if weights.tensor == tensor => factors = Some(access),
                _ => features.push(access),
            }
        }
        for part in parts {
            self.part(index, part, features.clone(), factors.clone())?;
        }
        Ok(())
    }

    fn part(
        &mut self,
        layer: usize,
        mut part: Part,
        mut accesses: Vec<Access>,
        factors: Option<Access>,
    ) -> Result<()> {
        let node = &self.graph.nodes[layer];
        self.layers[layer].macs += part.macs;
        let channels: Vec<u8> = part.channels.iter().flat_map(Channel::to_bytes).collect();
        let (memory, ring) = match part.unit {
            Unit::Vector => (Memory::VectorChannels, 2),
            _ => (Memory::ComputeChannels, 1),
        };
        if !part.weights.is_empty() {
            let stride = self.config.weight_stride();
            let first = self.constant(
                layer,
                Memory::Weights,
                0,
                std::mem::take(&mut part.weights),
                stride,
                &mut accesses,
            )?;
            part.op.weights = first as u16;
        }
        if let (Reduction::Product { weights }, Some(range), Some(source)) =
            (&node.reduction, part.factors.clone(), factors)
        {
            let passes = tile::passes(self.graph.tensor(node.input.tensor).zero);
            let first = self.factors(layer, weights, range, passes, source, &mut accesses)?;
            part.op.weights = first as u16;
        }
        let first = self.constant(layer, memory, ring, channels, CHANNEL_BYTES, &mut accesses)?;
        part.op.channels.base = first as u16;
        if let Some(table) = &node.table {
            let bytes = table.iter().map(|&b| b as u8).collect();
            let first = self.constant(layer, Memory::Tables, 3, bytes, 256, &mut accesses)?;
            part.op.table = Some(first as u8);
        }
        self.emitted.push(Emitted { unit: part.unit, op: Op::Tile(part.op), layer: layer as u16, accesses });
        Ok(())
    }

    /// Puts constant words into a memory, loading them unless they are still there; returns the
    /// first word and adds the reader's access.
    fn constant(
        &mut self,
        layer: usize,
        memory: Memory,
        ring: usize,
        bytes: Vec<u8>,
        word: usize,
        accesses: &mut Vec<Access>,
    ) -> Result<usize> {
        let count = bytes.len() / word;
        let blob = match self.contents.get(&bytes) {
            Some(&blob) => blob,
            None => {
                let address = self.allot(bytes.len());
                self.contents.insert(bytes.clone(), self.blobs.len());
                self.blobs.push(Blob { address, bytes });
                self.blobs.len() - 1
            }
        };
        let node = &self.graph.nodes[layer];
        let slot = self.rings[ring].place(blob, count).ok_or_else(|| {
            Error::new("schedule", format!("{count} words do not fit the memory for {memory:?}"))
                .file(&self.graph.name)
                .node(&node.name)
                .operator(&node.operator)
                .hint("a machine with larger weight_words or parameter_words")
        })?;
        let touch = |write| Access::Words { memory: ring, words: slot.words.clone(), write };
        if slot.fresh {
            let op = Transfer {
                memory,
                external: self.blobs[blob].address as u32,
                local: slot.first as i32,
                line_bytes: (count * word) as u32,
                lines: 1,
                planes: 1,
                ..Transfer::default()
            };
            self.emitted.push(Emitted {
                unit: Unit::Load,
                op: Op::Transfer(op),
                layer: layer as u16,
                accesses: vec![touch(true)],
            });
        }
        accesses.push(touch(false));
        Ok(slot.first)
    }

    /// Makes weight words of factors: stores them from feature memory to external memory as the
    /// weight memory reads them, and loads them from there, `passes` times for each group of columns.
    /// Returns the first word and adds the reader's access.
    fn factors(
        &mut self,
        layer: usize,
        weights: &View,
        range: Range<usize>,
        passes: usize,
        source: Access,
        accesses: &mut Vec<Access>,
    ) -> Result<usize> {
        let (columns, stride) = (self.config.columns, self.config.weight_stride());
        let reduction = weights.shape[0];
        let groups = range.len().div_ceil(columns);
        let address = self.allot(groups * reduction * stride);
        let bytes = address..address + groups * reduction * stride;
        let external = |write| Access::External { bytes: bytes.clone(), write };
        let from = Placed::new(weights, &self.plan.buffers[weights.tensor.0 as usize]);
        for g in 0..groups {
            let first = range.start + g * columns;
            // A line is what one word holds; where columns lie apart, so do the bytes of a word.
            let width = columns.min(range.end - first);
            let contiguous = from.pixel == 1;
            let op = Transfer {
                memory: Memory::Feature,
                external: (address + g * reduction * stride) as u32,
                external_plane: stride as i32,
                external_line: 1,
                local: from.walk(0, 0, 0, first as i64).base,
                local_plane: from.plane as i32,
                local_line: from.pixel as i32,
                line_bytes: if contiguous { width as u32 } else { 1 },
                lines: if contiguous { 1 } else { width as u16 },
                planes: reduction as u16,
                ..Transfer::default()
            };
            let accesses = vec![source.clone(), external(true)];
            self.emitted.push(Emitted {
                unit: Unit::Store,
                op: Op::Transfer(op),
                layer: layer as u16,
                accesses,
            });
        }
        let words = groups * reduction * passes;
        // No other content has this number: what is stored differs each time.
        let content = usize::MAX - self.emitted.len();
        let node = &self.graph.nodes[layer];
        let slot = self.rings[0].place(content, words).ok_or_else(|| {
            Error::new("schedule", format!("{words} words do not fit the memory for weights"))
                .file(&self.graph.name)
                .node(&node.name)
                .operator(&node.operator)
                .hint("a machine with larger weight_words")
        })?;
        let touch = |write| Access::Words { memory: 0, words: slot.words.clone(), write };
        for pass in 0..groups * passes {
            let op = Transfer {
                memory: Memory::Weights,
                external: (address + pass / passes * reduction * stride) as u32,
                local: ((slot.first + pass * reduction) % self.config.weight_words) as i32,
                line_bytes: (reduction * stride) as u32,
                lines: 1,
                planes: 1,
                ..Transfer::default()
            };
            let accesses = vec![external(false), touch(true)];
            self.emitted.push(Emitted {
                unit: Unit::Load,
                op: Op::Transfer(op),
                layer: layer as u16,
                accesses,
            });
        }
        accesses.push(touch(false));
        Ok(slot.first)
    }

    fn finish(mut self) -> Result<Program> {
        let order: Vec<(Unit, Vec<Access>)> =
            self.emitted.iter_mut().map(|e| (e.unit, std::mem::take(&mut e.accesses))).collect();
        let syncs = hazards::synchronise(&order);
        let mut program = Program::empty(self.config.clone());
        for (emitted, sync) in self.emitted.iter().zip(syncs) {
            let layer = emitted.layer;
            match (&emitted.op, emitted.unit) {
                (Op::Tile(op), unit) => {
                    let line = Line { op: TileOp { sync, ..*op }, layer };
                    if unit == Unit::Vector { &mut program.vector } else { &mut program.compute }.push(line);
                }
                (Op::Transfer(op), unit) => {
                    let line = Line { op: Transfer { sync, ..*op }, layer };
                    if unit == Unit::Load { &mut program.load } else { &mut program.store }.push(line);
                }
            }
        }
        for unit in Unit::ALL {
            program.stream_address[unit as usize] = self.allot(program.stream_bytes(unit)) as u32;
        }
        if self.used > i32::MAX as usize {
            return Err(Error::new(
                "schedule",
                format!("the program needs {} bytes of external memory", self.used),
            )
            .file(&self.graph.name)
            .hint("a smaller network: the machine addresses 2 GiB"));
        }
        let graph = self.graph;
        let port = |(t, shape): &(TensorId, Vec<usize>)| {
            let tensor = graph.tensor(*t);
            Port {
                name: tensor.name.clone(),
                shape: shape.clone(),
                address: self.external[t] as u32,
                scale: tensor.scale,
                zero: tensor.zero,
            }
        };
        program.inputs = graph.inputs.iter().map(port).collect();
        program.outputs = graph.outputs.iter().map(port).collect();
        program.memory_bytes =
            self.used.next_multiple_of(TILE_BYTES.max(self.config.memory.burst_bytes)) as u32;
        program.layers = self.layers;
        program.data = self.blobs.into_iter().map(|b| (b.address as u32, b.bytes)).collect();
        Ok(program)
    }
}
