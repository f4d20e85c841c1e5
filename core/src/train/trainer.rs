//! [`Trainer`]: the loop.

#[cfg(feature = "cuda")]
mod on_card;
mod saving;

use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::path::Path;
use std::time::Instant;

use candle_core::{Device, Tensor};
use rayon::ThreadPool;
use rayon::prelude::*;

#[cfg(feature = "cuda")]
use super::batch::Batch;
#[cfg(feature = "cuda")]
use super::card::CardEngine;
use super::checkpoint::{self, CheckpointInfo};
use super::config::{Learns, Loss, TrainConfig};
use super::engine::Engine;
use super::held_out::{self, HeldOut};
use super::log::{Line, Log};
use super::networks::{Losses, Networks};
use super::objective::Objective;
use super::optimizer::Optimizer;
use super::prepare::{Item, Prepared};
use super::report::{Event, Files, Identity, Progress, Summary};
use super::stop::{Limit, Patience};
use super::teacher::Teacher;
use super::window::{Speed, Window};
use super::{export, restore, start};
use crate::dataset::Dataset;
use crate::error::{Result, TrainError};
use crate::generate::Cancel;
use crate::model::StoredModel;
use crate::nn::Weights;
use crate::noise::{NoiseStream, Seed};

/// Steps between lines of the log.
const LOG_EVERY: u64 = 50;
/// Most seconds between checkpoints; there is one at every held-out measurement, too.
const CHECKPOINT_EVERY_S: f64 = 120.0;

/// What names of the teacher's parameters begin with in a checkpoint.
const TEACHER: &str = "teacher.";

/// What a training computes on.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// Where the networks are. The bytes of a training are the same on every CPU that has fused multiply-add.
    pub device: Device,
    /// Threads of the CPU; 0 takes the machine's.
    pub threads: usize,
}

impl Hardware {
    /// Where the tensors of networks and optimizer are: a CUDA card takes them over from the CPU.
    fn networks(&self) -> Device {
        if self.device.is_cuda() { Device::Cpu } else { self.device.clone() }
    }

    /// The CPU with so many threads.
    pub fn cpu(threads: usize) -> Self {
        Self { device: Device::Cpu, threads }
    }
}

/// A training: networks, optimizer, data, files.
pub struct Trainer<'a> {
    config: TrainConfig,
    dataset: &'a Dataset,
    files: Files,
    info: CheckpointInfo,
    prepared: Prepared,
    networks: Networks,
    /// On the CPU; elsewhere candle's tape gives the gradients.
    engine: Option<Engine>,
    /// On a CUDA card, which then keeps the parameters; `networks` and `optimizer` hold what was last downloaded.
    #[cfg(feature = "cuda")]
    card: Option<CardEngine>,
    /// Of a distillation.
    teacher: Option<Teacher>,
    /// The teacher's parameters, for the checkpoint.
    lore: HashMap<String, Tensor>,
    optimizer: Optimizer,
    held_out: Vec<Item>,
    log: Log,
    /// One for each shard.
    pools: Vec<ThreadPool>,
    /// All threads, for what is done between the shards.
    wide: ThreadPool,
    threads: usize,
}

impl<'a> Trainer<'a> {
    /// Begin a training in `folder`, which holds none yet.
    ///
    /// # Errors
    /// A field of the configuration out of range, a folder that cannot be written or already holds a training.
    pub fn begin(
        folder: &Path,
        config: TrainConfig,
        identity: Identity,
        dataset: &'a Dataset,
        hardware: &Hardware,
    ) -> Result<Self> {
        Self::begin_from(folder, config, identity, dataset, hardware, None)
    }

    /// Begin a training in `folder`, which holds none yet, with the maps and weights of a model; where the objective is
    /// consistency, it is the teacher too. A class that the model does not know begins as "any class".
    ///
    /// # Errors
    /// As [`Trainer::begin`]; a model of other networks (see [`TrainConfig::following`]), no model to distil, or one of
    /// other classes.
    pub fn begin_from(
        folder: &Path,
        config: TrainConfig,
        identity: Identity,
        dataset: &'a Dataset,
        hardware: &Hardware,
        model: Option<&StoredModel>,
    ) -> Result<Self> {
        config.validate()?;
        match model {
            Some(model) => start::check(&config, &dataset.classes, model)?,
            None if config.objective != Objective::Velocity => return Err(TrainError::NoTeacher.into()),
            None if config.learns != Learns::All => return Err(TrainError::NoOtherStage.into()),
            None => (),
        }
        let files = Files::new(folder);
        if files.checkpoint().exists() {
            return Err(TrainError::Exists(folder.to_path_buf()).into());
        }
        let info = CheckpointInfo {
            format: checkpoint::format(),
            id: identity.id,
            description: identity.description,
            sources: identity.sources,
            from: model.map(|model| format!("{} {}", model.card.id, model.card.hash)),
            step: 0,
            seconds: 0.0,
            classes: dataset.classes.clone(),
            pitch: dataset.train.iter().any(|example| example.pitch.is_some()),
            attacks: export::attacks(dataset, &config),
            wanders: if config.partials { dataset.wanders() } else { Vec::new() },
            sounds: dataset.training_digest(),
            num_sounds: dataset.train.len(),
            num_held_out: dataset.held_out.len(),
            held_out: None,
            patience: Patience::default(),
            window: Window::default(),
            config: config.clone(),
        };
        export::card(&info).validate()?;
        std::fs::create_dir_all(folder).map_err(|source| TrainError::File { path: folder.to_path_buf(), source })?;
        let mut prepared = Prepared::fit(&config, dataset, &info.wanders)?;
        if let Some(model) = model {
            start::take_maps(&mut prepared, &dataset.classes, model)?;
        }
        let weights = Weights::fresh(Seed(config.seed), &hardware.networks());
        let networks = Networks::new(&config, &prepared, dataset.classes.len(), weights)?;
        if let Some(model) = model {
            start::take_weights(&networks, &dataset.classes, model, &config)?;
        }
        let lore = model.map(start::parameters).unwrap_or_default();
        let optimizer = Optimizer::new(config.optimizer.clone(), &networks.weights.vars())?;
        Self::assemble(info, dataset, files, prepared, networks, optimizer, lore, hardware)
    }

    /// Go on with the training in `folder`. The configuration is the checkpoint's.
    ///
    /// # Errors
    /// No usable checkpoint, or other sounds than it began with.
    pub fn resume(folder: &Path, dataset: &'a Dataset, hardware: &Hardware) -> Result<Self> {
        let files = Files::new(folder);
        let path = files.checkpoint();
        if !path.exists() {
            return Err(TrainError::NoCheckpoint(folder.to_path_buf()).into());
        }
        let (info, tensors) = checkpoint::load(&path, &Device::Cpu)?;
        if info.sounds != dataset.training_digest() {
            return Err(TrainError::OtherData(folder.to_path_buf()).into());
        }
        let config = info.config.clone();
        let prepared = restore::prepared(&path, &config, dataset.classes.len(), &info.wanders, &tensors)?;
        let weights = Weights::fresh(Seed(config.seed), &hardware.networks());
        let networks = Networks::new(&config, &prepared, dataset.classes.len(), weights)?;
        let mut optimizer = Optimizer::new(config.optimizer.clone(), &networks.weights.vars())?;
        restore::parameters(&path, &networks, &mut optimizer, &tensors)?;
        let of_teacher =
            |(name, tensor): (&String, &Tensor)| Some((name.strip_prefix(TEACHER)?.to_owned(), tensor.clone()));
        let lore = tensors.iter().filter_map(of_teacher).collect();
        Self::assemble(info, dataset, files, prepared, networks, optimizer, lore, hardware)
    }

    #[allow(clippy::too_many_arguments)] // The parts of what it makes.
    fn assemble(
        info: CheckpointInfo,
        dataset: &'a Dataset,
        files: Files,
        prepared: Prepared,
        networks: Networks,
        optimizer: Optimizer,
        lore: HashMap<String, Tensor>,
        hardware: &Hardware,
    ) -> Result<Self> {
        let config = info.config.clone();
        let threads = match hardware.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let is_cpu = hardware.device.is_cpu();
        // Another device takes the batch as a whole, and all threads prepare it.
        let shards = if is_cpu { config.shards } else { 1 };
        let each = (threads / shards).max(1);
        let engine = is_cpu.then(|| Engine::new(&networks, shards)).transpose()?;
        let teacher = match config.objective {
            Objective::Velocity => None,
            Objective::Consistency(consistency) => {
                let (classes, device) = (info.classes.len(), networks.weights.device());
                Some(Teacher::new(&config, consistency, &prepared, classes, lore.clone(), device)?)
            }
        };
        #[cfg(feature = "cuda")]
        let card = match hardware.device.is_cuda() {
            true => {
                let draws = if config.envelope.is_some() { config.envelope_draws } else { 1 };
                // Held-out items are measured all together.
                let most = config.batch_size.max(held_out::MOST_EXAMPLES);
                let teacher = teacher.as_ref();
                Some(CardEngine::new(&hardware.device, &networks, &optimizer, teacher, most, draws)?)
            }
            false => None,
        };
        let lore = if teacher.is_some() { lore } else { HashMap::new() };
        Ok(Self {
            held_out: held_out::items(&prepared, dataset)?,
            log: Log::open(&files.log(), info.step)?,
            pools: (0..shards).map(|_| pool(each)).collect::<Result<_>>()?,
            wide: pool(threads)?,
            config,
            dataset,
            files,
            info,
            prepared,
            networks,
            engine,
            #[cfg(feature = "cuda")]
            card,
            teacher,
            lore,
            optimizer,
            threads,
        })
    }

    /// The files of this training.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Number of parameters of all networks.
    pub fn num_parameters(&self) -> usize {
        self.networks.weights.vars().values().map(|var| var.elem_count()).sum()
    }

    /// Train until `limit`, or until cancelled, or until the held-out loss stops falling; then write model and checkpoint.
    ///
    /// # Errors
    /// The loss left the numbers, or a file cannot be written.
    pub fn run(&mut self, limit: Limit, cancel: &Cancel, on_event: &mut dyn FnMut(&Event)) -> Result<Summary> {
        let began = Instant::now();
        let before = self.info.seconds;
        let mut saved = Instant::now();
        let mut speed = Speed::default();
        let mut progress = self.progress(limit, Losses::default(), 0.0);
        let mut stop = false;
        while !stop && progress.share < 1.0 && !cancel.is_cancelled() {
            let started = Instant::now();
            let (losses, norm) = self.step(progress.share)?;
            self.info.window.add(losses, norm);
            speed.add(started.elapsed().as_secs_f64());
            self.info.seconds = before + began.elapsed().as_secs_f64();
            progress = self.progress(limit, losses, speed.examples_a_second(self.config.batch_size));
            on_event(&Event::Step(progress));
            let step = self.info.step;
            if step.is_multiple_of(self.config.evaluate_every) {
                let held_out = self.measure()?;
                on_event(&Event::HeldOut(step, held_out.clone()));
                stop = self.info.patience.observe(held_out.mean(), self.config.patience);
                self.info.held_out = Some(held_out.clone());
                self.write_line(progress.share, Some(held_out))?;
            } else if step.is_multiple_of(LOG_EVERY) {
                self.write_line(progress.share, None)?;
            }
            if step.is_multiple_of(self.config.preview_every) {
                self.preview(on_event)?;
            }
            if step.is_multiple_of(self.config.evaluate_every) || saved.elapsed().as_secs_f64() > CHECKPOINT_EVERY_S {
                self.save()?;
                saved = Instant::now();
            }
        }
        self.save()?;
        let held_out = self.info.held_out.clone();
        Ok(Summary { progress, seconds: self.info.seconds, held_out, cancelled: cancel.is_cancelled() })
    }

    /// One step: gradients of every shard in parallel, summed in their order; then the optimizer.
    fn step(&mut self, share: f64) -> Result<(Losses, f64)> {
        #[cfg(feature = "cuda")]
        if self.card.is_some() {
            return self.card_step(share);
        }
        let sigmas = self.sigmas(self.info.step, share);
        let this = &*self;
        let shards: Vec<Result<Shard>> = std::thread::scope(|scope| {
            let sigmas = &sigmas;
            let mut workers = Vec::new();
            for (shard, pool) in this.pools.iter().enumerate() {
                workers.push(scope.spawn(move || pool.install(|| this.shard([shard, this.pools.len()], sigmas))));
            }
            // A panic of a worker is ours: let it go on here.
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        let (grads, losses) = sum(shards)?;
        self.check(losses)?;
        let norm = self.update(&grads, share)?;
        self.info.step += 1;
        Ok((losses, norm))
    }

    /// Noise levels of a step: for every draw one for each item of the batch.
    fn sigmas(&self, step: u64, share: f64) -> Vec<Vec<f64>> {
        let mut noise = NoiseStream::new(Seed(self.config.seed), "train sigma", step);
        self.config.objective.draws(&self.config, share, &mut noise)
    }

    fn check(&self, losses: Losses) -> Result<()> {
        if (losses.fine + losses.envelope).is_finite() {
            return Ok(());
        }
        let learning_rate = self.config.optimizer.learning_rate;
        Err(TrainError::Diverged { step: self.info.step, learning_rate }.into())
    }

    /// Change the parameters by the engine's gradients, or by those of the tape. Returns their norm.
    fn update(&mut self, tape: &BTreeMap<String, Tensor>, share: f64) -> Result<f64> {
        let vars = self.networks.weights.vars();
        let (step, ema_decay) = (self.info.step, self.config.ema_decay);
        let (optimizer, engine) = (&mut self.optimizer, &mut self.engine);
        self.wide.install(|| match engine {
            Some(engine) => {
                engine.sum();
                let norm =
                    engine.with_gradients(|grads| optimizer.step_values(&vars, grads, step, share, ema_decay))?;
                engine.reload()?;
                Ok(norm)
            }
            None => optimizer.step(&vars, tape, step, share, ema_decay),
        })
    }

    /// Gradients and losses of one of `count` shards, every `count`th item of the batch, as shares of the whole batch's. The
    /// engine keeps its gradients to itself.
    fn shard(&self, [shard, count]: [usize; 2], draws: &[Vec<f64>]) -> Result<Shard> {
        let own = |i: &usize| i % count == shard;
        let indices: Vec<usize> = (0..self.config.batch_size).filter(own).collect();
        let sigmas: Vec<f64> = draws.iter().flat_map(|draw| indices.iter().map(|&i| draw[i])).collect();
        let share = indices.len() as f64 / self.config.batch_size as f64;
        let (items, mut noises) = self.items(self.info.step, &indices)?;
        let (loss, networks, teacher) = (self.config.loss, &self.networks, self.teacher.as_ref());
        let (grads, losses) = match &self.engine {
            Some(engine) => {
                let losses = engine.shard(shard, networks, loss, teacher, &items, &sigmas, &mut noises, share)?;
                (BTreeMap::new(), losses)
            }
            None => {
                let (loss, losses) = networks.loss(loss, teacher, &items, &sigmas, &mut noises)?;
                (networks.gradients(&loss, share)?, losses)
            }
        };
        Ok((grads, Losses { fine: losses.fine * share, envelope: losses.envelope * share }))
    }

    /// Variations of sounds for these items of a step's batch, each with the stream that its noise comes from. Made by the
    /// threads of the current rayon pool.
    fn items(&self, step: u64, indices: &[usize]) -> Result<(Vec<Item>, Vec<NoiseStream>)> {
        let draws = self.config.fine_draws;
        let own = |i: usize| {
            let idx = step * self.config.batch_size as u64 + i as u64;
            NoiseStream::new(Seed(self.config.seed), "train item", idx)
        };
        // Examples that share a variation have it from the first of them, whoever computes it.
        let shared = |variation: &&[usize]| -> Result<Vec<(Item, NoiseStream)>> {
            let first = variation[0] - variation[0] % draws;
            let mut noise = own(first);
            let example = self.dataset.augment(self.dataset.pick(&mut noise), &self.config.augment, &mut noise);
            let item = self.prepared.hidden(&example, &self.config, &mut noise)?;
            let stream = |&i: &usize| if i == first { noise.clone() } else { own(i) };
            Ok(variation.iter().map(|i| (item.clone(), stream(i))).collect())
        };
        let variations: Vec<&[usize]> = indices.chunk_by(|a, b| a / draws == b / draws).collect();
        let items = variations.par_iter().map(shared).collect::<Result<Vec<_>>>()?;
        Ok(items.into_iter().flatten().unzip())
    }

    /// The held-out loss of the averaged weights.
    fn measure(&mut self) -> Result<HeldOut> {
        #[cfg(feature = "cuda")]
        if let Some(card) = &mut self.card {
            let (networks, wide) = (&self.networks, &self.wide);
            return held_out::measure(&self.config, &self.held_out, held_out::MOST_EXAMPLES, |items, sigmas, noise| {
                card.measure(&wide.install(|| Batch::new(0, networks, items, sigmas, noise)))
            });
        }
        let averaged: HashMap<String, Tensor> =
            self.optimizer.slots.iter().map(|(name, slot)| (name.clone(), slot.ema.clone())).collect();
        let networks = Networks::stored(
            &self.config,
            &self.prepared,
            self.info.classes.len(),
            averaged,
            self.networks.weights.device(),
        )?;
        self.wide.install(|| {
            held_out::measure(&self.config, &self.held_out, 8, |items, sigmas, noise| {
                Ok(networks.loss(Loss::Mse, None, items, sigmas, noise)?.1)
            })
        })
    }

    fn progress(&self, limit: Limit, losses: Losses, examples_per_s: f64) -> Progress {
        Progress {
            step: self.info.step,
            examples: self.info.step * self.config.batch_size as u64,
            share: limit.progress(self.info.step, self.info.seconds),
            fine: losses.fine,
            envelope: losses.envelope,
            examples_per_s,
        }
    }

    fn write_line(&mut self, share: f64, held_out: Option<HeldOut>) -> Result<()> {
        let (losses, grad_norm) = self.info.window.take();
        self.log.push(Line {
            step: self.info.step,
            examples: self.info.step * self.config.batch_size as u64,
            fine: losses.fine,
            envelope: losses.envelope,
            learning_rate: self.config.optimizer.learning_rate(self.info.step, share),
            grad_norm,
            held_out,
            seconds: self.info.seconds,
        })
    }
}

/// A shard's gradients, if the tape made them, and its losses.
type Shard = (BTreeMap<String, Tensor>, Losses);

/// Gradients and losses of all shards together, always added in their order.
fn sum(shards: Vec<Result<Shard>>) -> Result<Shard> {
    let mut grads: BTreeMap<String, Tensor> = BTreeMap::new();
    let mut losses = Losses::default();
    for shard in shards {
        let (part, loss) = shard?;
        losses.fine += loss.fine;
        losses.envelope += loss.envelope;
        for (name, grad) in part {
            let sum = grads.remove(&name).map_or(Ok(grad.clone()), |sum| sum + grad)?;
            grads.insert(name, sum);
        }
    }
    Ok((grads, losses))
}

fn pool(threads: usize) -> Result<ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|problem| TrainError::Threads { threads, problem: problem.to_string() })?)
}
