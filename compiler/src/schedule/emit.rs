//! From a plan to a [`Program`]: instructions with what they touch, places of constants, the layout
//! of external memory.

mod finish;
mod outside;
mod words;

use super::Schedule;
use super::hazards::{Access, External};
use super::memory::ConstantRing;
use super::net::{input_rows, output_rows};
use super::plan::{self, Plan, PlanStep, Planned};
use crate::error::{Error, Result};
use crate::fixed::{Band, FixedGraph, Reduction, TensorId};
use crate::tile::buffer::Buffer;
use crate::tile::{self, Part, PlacedViews};
use outside::Outside;
use std::collections::BTreeMap;
use std::ops::Range;
use tilewright_arch::Config;
use tilewright_arch::encoding::TILE_BYTES;
use tilewright_arch::fixed::{CHANNEL_BYTES, Channel};
use tilewright_arch::instr::{LocalMemory, TileOp, Transfer, Unit};
use tilewright_arch::program::Layer;

/// The program of a plan.
///
/// # Errors
/// A node that the machine cannot run; a program that needs more external memory than there is.
pub fn emit(graph: &FixedGraph, config: &Config, plan: Plan) -> Result<Schedule> {
    let none = Planned::default();
    let mut tried: Option<(usize, Emitter)> = None;
    for layout in [Layout::Apart, Layout::Shared, Layout::Packed] {
        let mut emitter = Emitter::new(graph, config, &plan, &none, layout);
        let tensors = emitter.used;
        if tried.as_ref().is_some_and(|(fewest, _)| tensors >= *fewest) {
            continue;
        }
        // Where tensors alone find no room nothing is emitted, which takes minutes for large images.
        if emitter.fits().is_ok() {
            emitter.run()?;
        }
        let fits = emitter.fits().is_ok();
        tried = Some((tensors, emitter));
        if fits {
            break;
        }
    }
    let (_, emitter) = tried.expect("the first layout is always tried");
    let program = emitter.finish()?;
    program.validate().map_err(|e| {
        Error::new("schedule", format!("the compiler made a program that breaks the machine's rules: {e}"))
            .file(&graph.name)
            .hint("this is a defect of the compiler: please report it with the model")
    })?;
    Ok(Schedule { program, plan })
}

/// How tensors lie in external memory that are neither inputs nor outputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Layout {
    /// Each has bytes of its own: nothing waits for another tensor.
    Apart,
    /// Those that are not needed at the same time share bytes, placed as they come.
    Shared,
    /// The same, the largest placed first, which leaves fewer bytes between them.
    Packed,
}

/// An instruction with what it touches.
struct Emitted {
    unit: Unit,
    op: UnitOp,
    layer: usize,
    accesses: Vec<Access>,
}

/// An instruction. Most are tile operations or few, so the size of the larger does not matter.
#[allow(clippy::large_enum_variant)]
enum UnitOp {
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
    /// The group under way.
    group: &'a Planned,
    emitted: Vec<Emitted>,
    blobs: Vec<Blob>,
    /// Blob number by contents: equal constants are stored and loaded once.
    contents: BTreeMap<Vec<u8>, usize>,
    /// Bytes of external memory given out.
    used: usize,
    /// Weights, compute parameters, vector parameters, tables.
    rings: [ConstantRing; 4],
    external: BTreeMap<TensorId, usize>,
    /// Tensors that are columns of others.
    bands: BTreeMap<TensorId, &'a Band>,
    layers: Vec<Layer>,
}

impl<'a> Emitter<'a> {
    /// Emits all instructions of the plan.
    fn run(&mut self) -> Result<()> {
        for group in &self.plan.groups {
            self.group = group;
            for step in &group.steps {
                self.step(step)?;
            }
        }
        Ok(())
    }

    /// With places for all tensors, before the first instruction.
    fn new(
        graph: &'a FixedGraph,
        config: &'a Config,
        plan: &'a Plan,
        group: &'a Planned,
        layout: Layout,
    ) -> Emitter<'a> {
        let mut emitter = Emitter {
            graph,
            config,
            plan,
            group,
            emitted: vec![],
            blobs: vec![],
            contents: BTreeMap::new(),
            used: 0,
            rings: [
                ConstantRing::new(config.weight_words, true),
                ConstantRing::new(config.parameter_words, false),
                ConstantRing::new(config.parameter_words, false),
                ConstantRing::new(config.tables, false),
            ],
            external: BTreeMap::new(),
            bands: graph.bands.iter().map(|band| (band.part, band)).collect(),
            layers: graph
                .nodes
                .iter()
                .map(|n| Layer { name: n.name.clone(), operator: n.operator.clone(), macs: 0 })
                .collect(),
        };
        for (tensor, elements) in &graph.constants {
            let address = emitter.allot(elements.len());
            emitter.external.insert(*tensor, address);
            let bytes = elements.iter().map(|b| b.cast_unsigned()).collect();
            emitter.blobs.push(Blob { address, bytes });
        }
        for (tensor, _) in graph.inputs.iter().chain(&graph.outputs) {
            emitter.allot_tensor(*tensor);
        }
        let lives = outside::lives(plan, &emitter.bands);
        match layout {
            Layout::Apart => lives.keys().for_each(|t| emitter.allot_tensor(*t)),
            Layout::Shared | Layout::Packed => emitter.allot_together(&lives, layout == Layout::Packed),
        }
        emitter
    }

    fn boundary(&self) -> usize {
        TILE_BYTES.max(self.config.memory.burst_bytes)
    }

    /// External bytes on a boundary no instruction or burst crosses.
    fn allot(&mut self, bytes: usize) -> usize {
        let address = self.used.next_multiple_of(self.boundary());
        self.used = address + bytes;
        address
    }

    fn step(&mut self, step: &PlanStep) -> Result<()> {
        match step {
            PlanStep::Load(t, channels, rows) => self.move_rows(Unit::Load, *t, channels, rows.clone()),
            PlanStep::Store(t, channels, rows) => self.move_rows(Unit::Store, *t, channels, rows.clone()),
            PlanStep::Node(n, rows) => return self.node(*n, rows.clone()),
        }
        Ok(())
    }

    fn page_bytes(&self) -> usize {
        plan::page_bytes(self.config)
    }

    /// The buffer of a tensor in the group under way, with its number.
    fn place(&self, tensor: TensorId) -> (usize, &'a Buffer) {
        let number = self.group.places[&tensor];
        (number, &self.plan.buffers[number])
    }

    fn rows(&self, tensor: TensorId, rows: Range<usize>, write: bool) -> Access {
        let (number, buffer) = self.place(tensor);
        Access::Rows {
            buffer: number,
            rows: buffer.held(rows),
            bytes: buffer.base..buffer.base + buffer.span(),
            pages: buffer.pages(self.page_bytes()),
            write,
        }
    }

    /// The layer that a transfer of a tensor counts for: the node of the group that first reads or
    /// makes it.
    fn layer_of(&self, tensor: TensorId) -> usize {
        let near = |&n: &usize| {
            let node = &self.graph.nodes[n];
            node.output.tensor == tensor || node.tensors_read().any(|t| t == tensor)
        };
        self.group.nodes.clone().find(near).unwrap_or(0)
    }

    /// Channels and rows of a tensor between feature and external memory, cut where the ring wraps.
    fn move_rows(&mut self, unit: Unit, tensor: TensorId, channels: &Range<usize>, rows: Range<usize>) {
        for outside in self.outside(unit, tensor) {
            self.move_rows_of(unit, tensor, &outside, channels, rows.clone());
        }
    }

    fn move_rows_of(
        &mut self,
        unit: Unit,
        tensor: TensorId,
        outside: &Outside,
        channels: &Range<usize>,
        rows: Range<usize>,
    ) {
        let (_, buffer) = self.place(tensor);
        let (height, width, bytes) = (outside.height, outside.width, outside.columns.len());
        let within = self.bands.get(&tensor).filter(|band| outside.tensor == band.whole);
        let skipped = within.map_or(0, |band| outside.columns.start - band.held.start);
        let planes = channels.len();
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min((start / buffer.rows + 1) * buffer.rows);
            let count = end - start;
            let first = ((outside.first + channels.start) * height + start) * width;
            let local =
                buffer.base + channels.start * buffer.plane + start % buffer.rows * buffer.pitch + skipped;
            let mut op = Transfer {
                memory: LocalMemory::Feature,
                external: outside.address + first,
                external_line: width as i64,
                external_plane: (height * width) as i64,
                local: local as i64,
                local_line: buffer.pitch as i64,
                local_plane: buffer.plane as i64,
                line_bytes: bytes,
                lines: count,
                planes,
                ..Transfer::default()
            };
            if (buffer.pitch == width && bytes == width) || count == 1 {
                // Rows follow each other on both sides: a plane is one line.
                op.line_bytes = count * bytes;
                op.lines = op.planes;
                op.planes = 1;
                (op.external_line, op.local_line) = (op.external_plane, op.local_plane);
                if bytes == width && buffer.plane == height * width && count == height {
                    op.line_bytes *= op.lines;
                    op.lines = 1;
                }
            }
            let load = unit == Unit::Load;
            let access = Access::External {
                of: External::Tensor(outside.tensor),
                place: self.placed(outside.tensor),
                channels: outside.first + channels.start..outside.first + channels.end,
                rows: start..end,
                columns: outside.columns.clone(),
                write: !load,
            };
            let accesses = vec![self.rows(tensor, start..end, load), access];
            self.emitted.push(Emitted {
                unit,
                op: UnitOp::Transfer(op),
                layer: self.layer_of(tensor),
                accesses,
            });
            start = end;
        }
    }

    fn node(&mut self, index: usize, rows: Range<usize>) -> Result<()> {
        let node = &self.graph.nodes[index];
        let at = PlacedViews::new(node, |t| self.place(t).1);
        let parts = tile::parts(self.graph, node, at, rows.clone(), self.config)?;
        let mut features = vec![self.rows(node.output.tensor, output_rows(node, rows.clone()), true)];
        let gathered = self.rows(node.input.tensor, input_rows(node, 0, rows.clone()), false);
        let mut source = None;
        for (place, view) in node.reads().enumerate() {
            let access = self.rows(view.tensor, input_rows(node, place, rows.clone()), false);
            match &node.reduction {
                // The array reads weights, not the tensor that they come from.
                Reduction::Product { .. } if place == 1 => source = Some(access),
                _ => features.push(access),
            }
        }
        for part in parts {
            // Sums that stay in the array are written to nothing.
            let features = if part.op.keep { vec![gathered.clone()] } else { features.clone() };
            self.part(index, part, features, source.as_ref())?;
        }
        Ok(())
    }

    fn part(
        &mut self,
        layer: usize,
        mut part: Part,
        mut accesses: Vec<Access>,
        source: Option<&Access>,
    ) -> Result<()> {
        let node = &self.graph.nodes[layer];
        self.layers[layer].macs += part.macs;
        let (memory, ring) = match part.unit {
            Unit::Vector => (LocalMemory::VectorChannels, 2),
            _ => (LocalMemory::ComputeChannels, 1),
        };
        if !part.weights.is_empty() {
            let stride = self.config.weight_stride();
            let first =
                self.constant(layer, LocalMemory::Weights, 0, part.weights.bytes(), stride, &mut accesses)?;
            part.op.weights = first;
        }
        if let (Reduction::Product { weights }, Some(factors), Some(source)) =
            (&node.reduction, &part.factors, source)
        {
            part.op.weights = self.factors(layer, weights, factors, source, &mut accesses)?;
        }
        if !part.op.keep {
            let channels: Vec<u8> = part.channels.iter().flat_map(Channel::to_bytes).collect();
            let first = self.constant(layer, memory, ring, &channels, CHANNEL_BYTES, &mut accesses)?;
            part.op.channels.base = first;
        }
        if let (Some(table), false) = (&node.table, part.op.keep) {
            let bytes: Vec<u8> = table.iter().map(|b| b.cast_unsigned()).collect();
            let first = self.constant(layer, LocalMemory::Tables, 3, &bytes, 256, &mut accesses)?;
            part.op.table = Some(first);
        }
        self.emitted.push(Emitted { unit: part.unit, op: UnitOp::Tile(part.op), layer, accesses });
        Ok(())
    }
}
