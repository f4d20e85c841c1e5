//! [`Plan`], [`Workspace`] and [`Runner`]: what is computed, where, and by whom.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{Result, Tensor, bail};

use super::forward::{Frame, Phase, Scratch, phases};
use super::layout::Layout;
use super::op::{Op, ParameterId, ValueId};
use super::parameters::Parameters;
use super::recording::{Recording, ValueInfo};
use crate::nn::kernel::filter::MapShape;
use crate::nn::kernel::memory::Memory;
use crate::nn::kernel::team::Team;
use crate::nn::value::Value;

/// A network laid out for the CPU. Immutable but for [`Plan::reload`]; several threads may use it, each with its own
/// [`Workspace`].
pub struct Plan {
    pub(super) parameters: Parameters,
    pub(super) values: Vec<ValueInfo>,
    /// What depends on noise level and condition alone.
    pub(super) preamble: Vec<Op>,
    /// What depends on frames.
    pub(super) main: Vec<Op>,
    pub(super) inputs: Vec<ValueId>,
    pub(super) output: ValueId,
    trains: bool,
}

/// The memory of one user of a plan.
pub struct Workspace {
    values: Vec<f32>,
    /// For the gradients of all values; empty unless the plan trains.
    gradients: Vec<f32>,
    layout: Layout,
    /// Clips computed together.
    batch: usize,
    /// Rows (noise levels times clips) known beforehand.
    rows: usize,
}

impl Plan {
    /// The plan that ends in `output`; `trains` keeps what [`Workspace::backward`] needs.
    ///
    /// # Errors
    /// Nothing was recorded; parameters that are not on the CPU.
    pub fn new(recording: &Recording, output: &Value, trains: bool) -> Result<Self> {
        let Value::Node(output) = output else { bail!("a tensor is not the end of a recording") };
        let notes = std::mem::take(&mut *recording.0.borrow_mut());
        if notes.ops.is_empty() {
            bail!("nothing was recorded");
        }
        let is_main = |op: &Op| op.values().0.iter().any(|&id| notes.values[id].is_main);
        let (main, preamble) = notes.ops.iter().cloned().partition(is_main);
        let parameters = Parameters::new(notes.parameters, notes.matrices, trains)?;
        Ok(Self { parameters, values: notes.values, preamble, main, inputs: notes.inputs, output: output.id(), trains })
    }

    /// The parameters, in the order of their gradients.
    pub fn parameters(&self) -> &[Tensor] {
        self.parameters.tensors()
    }

    /// Where parameter `idx` lies in the vector of gradients.
    pub fn gradient_range(&self, idx: usize) -> Range<usize> {
        self.parameters.range(idx)
    }

    /// Numbers of all parameters together.
    pub fn num_parameters(&self) -> usize {
        self.parameters.len()
    }

    /// Take over the parameters again, which training has changed. Runs on the current rayon pool.
    ///
    /// # Errors
    /// A parameter has left the CPU.
    pub fn reload(&mut self) -> Result<()> {
        self.parameters.load()
    }

    /// Memory for `batch` clips at a time and `rows` rows (noise levels times clips) known beforehand.
    pub fn workspace(&self, batch: usize, rows: usize) -> Workspace {
        let size = |id: ValueId| self.values[id].len * if self.values[id].is_main { batch } else { rows };
        let layout = match self.trains {
            true => Layout::apart(self.values.len(), size),
            false => Layout::shared(&self.values, &self.main, self.output, size),
        };
        let gradients = vec![0.0; if self.trains { layout.len } else { 0 }];
        Workspace { values: vec![0.0; layout.len], gradients, layout, batch, rows }
    }

    /// Compute the rows `rows` of what is known beforehand, from the inputs that are not frames, in their order.
    ///
    /// # Panics
    /// If the inputs have other sizes than was recorded.
    pub fn prepare(&self, workspace: &mut Workspace, rows: Range<usize>, inputs: &[&[f32]]) {
        assert!(rows.end <= workspace.rows, "rows {rows:?} of {}", workspace.rows);
        self.put(workspace, false, rows.start, rows.len(), inputs);
        let memory = Memory::over(&mut workspace.values);
        let frame = Frame {
            plan: self,
            memory: &memory,
            offsets: &workspace.layout.offsets,
            clips: rows.len(),
            row: rows.start,
        };
        let mut scratch = Scratch::default();
        for phase in phases(&self.preamble, rows.len()) {
            (0..phase.units).for_each(|unit| frame.run(&self.preamble[phase.op], phase.part, unit, &mut scratch));
        }
    }

    /// Let `body` compute with `threads` threads of the current rayon pool.
    ///
    /// `body` runs here; helpers wait for its calls until it returns.
    pub fn run<R>(&self, workspace: &mut Workspace, threads: usize, body: impl FnOnce(&mut Runner) -> R) -> R {
        let phases = phases(&self.main, workspace.batch);
        let team = Team::new(phases.iter().map(|phase| phase.units as u32).collect(), threads.max(1));
        let pass = Pass {
            plan: self,
            phases,
            memory: Memory::over(&mut workspace.values),
            offsets: &workspace.layout.offsets,
            clips: workspace.batch,
            rows: workspace.rows,
            row: AtomicUsize::new(0),
        };
        rayon::in_place_scope(|scope| {
            for thread in 1..threads {
                let (team, pass) = (&team, &pass);
                scope.spawn(move |_| {
                    let mut scratch = Scratch::default();
                    team.help(thread, |phase, unit| pass.run(phase, unit, &mut scratch));
                });
            }
            let _dismissal = Dismissal(&team);
            body(&mut Runner { pass: &pass, team: &team, scratch: Scratch::default() })
        })
    }

    /// The filters whose sum is value `id`, each with the shape of the map that it sees.
    pub(super) fn filters_of(&self, id: ValueId) -> &[(ParameterId, MapShape)] {
        let filters = self.main.iter().find_map(|op| match op {
            Op::Filter { out, filters, .. } if *out == id => Some(&filters[..]),
            _ => None,
        });
        filters.unwrap_or_default()
    }

    /// Copy inputs of one kind to their places.
    fn put(&self, workspace: &mut Workspace, main: bool, first: usize, clips: usize, inputs: &[&[f32]]) {
        let ids: Vec<ValueId> = self.inputs.iter().copied().filter(|&id| self.values[id].is_main == main).collect();
        assert_eq!(ids.len(), inputs.len(), "inputs");
        for (id, input) in ids.into_iter().zip(inputs) {
            let (len, start) = (self.values[id].len, workspace.layout.offsets[id]);
            workspace.values[start + first * len..][..clips * len].copy_from_slice(input);
        }
    }
}

/// What the threads of a run share.
struct Pass<'a> {
    plan: &'a Plan,
    phases: Vec<Phase>,
    memory: Memory,
    offsets: &'a [usize],
    clips: usize,
    rows: usize,
    /// The row that belongs to the first clip of the call.
    row: AtomicUsize,
}

impl Pass<'_> {
    fn run(&self, phase: usize, unit: usize, scratch: &mut Scratch) {
        let row = self.row.load(Ordering::Relaxed);
        let frame = Frame { plan: self.plan, memory: &self.memory, offsets: self.offsets, clips: self.clips, row };
        let phase = &self.phases[phase];
        frame.run(&self.plan.main[phase.op], phase.part, unit, scratch);
    }

    /// Where a value of the main part lies, all clips.
    fn range(&self, id: ValueId) -> Range<usize> {
        self.offsets[id]..self.offsets[id] + self.plan.values[id].len * self.clips
    }
}

/// Lets the helpers go even when the body panics.
struct Dismissal<'a>(&'a Team);

impl Drop for Dismissal<'_> {
    fn drop(&mut self) {
        self.0.dismiss();
    }
}

/// Computes the main part of a plan, as often as wanted.
pub struct Runner<'a> {
    pass: &'a Pass<'a>,
    team: &'a Team,
    scratch: Scratch,
}

impl Runner<'_> {
    /// The output for these frames (one slice for each input that is frames, in their order), with the rows `row..` of
    /// what was prepared, one for each clip.
    ///
    /// # Panics
    /// If the inputs have other sizes than was recorded, or the rows were not prepared.
    pub fn forward(&mut self, row: usize, inputs: &[&[f32]]) -> &[f32] {
        let pass = self.pass;
        assert!(row + pass.clips <= pass.rows, "row {row} of {}", pass.rows);
        let ids = pass.plan.inputs.iter().filter(|&&id| pass.plan.values[id].is_main);
        assert_eq!(ids.clone().count(), inputs.len(), "inputs");
        for (&id, input) in ids.zip(inputs) {
            // SAFETY: helpers touch the memory only while this thread leads, below.
            unsafe { pass.memory.write(pass.range(id)) }.copy_from_slice(input);
        }
        pass.row.store(row, Ordering::Relaxed);
        let scratch = &mut self.scratch;
        self.team.lead(|phase, unit| pass.run(phase, unit, scratch));
        // SAFETY: as above; the borrow ends before the next call.
        unsafe { pass.memory.read(pass.range(pass.plan.output)) }
    }
}

impl Workspace {
    /// Rows known beforehand that it has room for.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Add the gradients of all parameters to `gradients` (of [`Plan::num_parameters`]), given the output's of the batch
    /// that was last computed with rows `0..`.
    ///
    /// # Panics
    /// If the plan does not train, or a slice has another size.
    pub fn backward(&mut self, plan: &Plan, output_gradient: &[f32], gradients: &mut [f32]) {
        assert!(plan.trains && gradients.len() == plan.num_parameters(), "a plan that trains, and room for gradients");
        super::backward::run(plan, self.parts(), plan.output, output_gradient, gradients);
    }

    fn parts(&mut self) -> super::backward::Parts<'_> {
        super::backward::Parts {
            values: &self.values,
            gradients: &mut self.gradients,
            offsets: &self.layout.offsets,
            clips: self.batch,
        }
    }
}
