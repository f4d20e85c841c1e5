//! The figures as a page of Markdown, to be read in a terminal or pasted into a model's card.

use brownian_core::evaluate::{
    ALIKE, ASKED, Control, Fault, Health, Measures, ModelReport, Nearness, Report, Table, Thresholds, Tuning, is_alike,
};

/// The whole page.
pub fn page(report: &Report, command: &str) -> String {
    let parts = [
        heading(report, command),
        likeness(report),
        by_class(report),
        rise(report),
        tuning(report),
        between(report),
        memorisation(report),
        controls(report),
        health(report),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn heading(report: &Report, command: &str) -> String {
    let split = &report.split;
    let whose = match (split.is_the_models, split.trained) {
        (true, _) => "as in the model's training",
        (false, 0) => "the model is said to have heard none",
        (false, _) => "**not those of the model's card**, so it may have heard what counts as held out",
    };
    let (id, num_clips) = (&report.models[0].id, report.models[0].generated.all.sounds);
    let mut text = format!("# Evaluation of {id}\n\n`{command}`: {} recordings held out", split.held_out);
    if split.trained > 0 {
        text += &format!(", {} to train on (share {}, split seed {})", split.trained, split.share, split.seed);
    }
    text += &format!("; {whose}. {num_clips} clips, {} for each held-out recording,", report.per_sound);
    text += &format!(" of its class, {}.\n\n", seeds(report, num_clips));
    for ModelReport { id, hash, steps, sampler, guidance, .. } in &report.models {
        let hash = hash.get(..12).unwrap_or(hash);
        text += &format!("- {id} ({hash}…): {steps} steps of {sampler}, guidance {guidance}\n");
    }
    text
}

/// The seeds of so many clips.
fn seeds(report: &Report, count: usize) -> String {
    format!("seeds {} to {}", report.first_seed, (report.first_seed + count as u64).saturating_sub(1))
}

/// A figure of [`Measures`].
struct Column {
    name: &'static str,
    value: fn(&Measures) -> f64,
    digits: usize,
    /// Whether generated over recorded says something.
    has_ratio: bool,
}

const fn column(name: &'static str, value: fn(&Measures) -> f64, digits: usize, has_ratio: bool) -> Column {
    Column { name, value, digits, has_ratio }
}

const COLUMNS: [Column; 7] = [
    column("class told", |m| m.class_told, 2, true),
    column("attack 10 % to 90 %, ms", |m| m.attack_ms, 1, true),
    column("10 % to peak, ms", |m| m.peak_ms, 1, true),
    column("tonality", |m| m.tonality, 2, true),
    column("tail, dBFS", |m| m.tail_dbfs, 0, false),
    column("loudness, LUFS", |m| m.loudness_lufs, 1, false),
    column("nearest training sound", |m| m.nearest, 0, false),
];

fn likeness(report: &Report) -> String {
    let tables = tables(report);
    let names = report.models.iter().map(|model| model.id.clone());
    let mut page = Rows::new("## Likeness", ["".to_owned(), "recorded, held out".to_owned()].into_iter().chain(names));
    let sounds = tables.iter().map(|table| table.all.sounds.to_string());
    page.row(std::iter::once("sounds".to_owned()).chain(sounds));
    for column in &COLUMNS {
        let values: Vec<f64> = tables.iter().map(|table| (column.value)(&table.all)).collect();
        let cells = values.iter().enumerate().map(|(n, value)| {
            let has_ratio = n > 0 && column.has_ratio;
            number(*value, column.digits) + &if has_ratio { ratio(*value, values[0]) } else { String::new() }
        });
        page.row(std::iter::once(column.name.to_owned()).chain(cells.collect::<Vec<_>>()));
    }
    page.note(
        "Class told: share whose class the five nearest training sounds tell (log-mel; in brackets the share of what \
         recordings get, aim: 0.8 or more). The others are medians at peak 1, in brackets generated over recorded. \
         Tonality: share of the energy at 40 to 800 Hz within 15 Hz of its strongest frequency. Tail: the last 46 ms. \
         Nearest: log-mel distance.",
    )
}

fn by_class(report: &Report) -> String {
    let names = COLUMNS.iter().map(|column| column.name.to_owned());
    let mut page = Rows::new("### By class", ["class".to_owned(), "sounds".to_owned()].into_iter().chain(names));
    for class in report.recorded.classes.keys() {
        let measures: Vec<&Measures> = tables(report).iter().filter_map(|table| table.classes.get(class)).collect();
        let sounds = joined(measures.iter().map(|m| m.sounds.to_string()));
        let cell = |column: &Column| {
            let values: Vec<f64> = measures.iter().map(|m| (column.value)(m)).collect();
            let own = values.get(1).filter(|_| column.has_ratio).map(|own| ratio(*own, values[0]));
            joined(values.iter().map(|value| number(*value, column.digits))) + &own.unwrap_or_default()
        };
        page.row([class.clone(), sounds].into_iter().chain(COLUMNS.iter().map(cell)));
    }
    let who = joined(std::iter::once("recorded".to_owned()).chain(report.models.iter().map(|model| model.id.clone())));
    page.note(&format!("Each cell: {who} (ratio of the first model to the recordings)."))
}

/// Whether sounds reach their peak as soon as recordings; nothing of textures, nor where no other recordings are known.
fn rise(report: &Report) -> String {
    let Some(rise) = &report.rise else { return String::new() };
    let names = report.models.iter().map(|model| model.id.clone());
    let names = ["class", "recorded, ms"].map(str::to_owned).into_iter().chain(names);
    let mut page = Rows::new("## Attacks", names.chain(["draws of other recordings".to_owned()]));
    let mut alike = vec![0; report.models.len()];
    for (class, others) in &rise.others {
        let time = |table: &Table| table.classes.get(class).map_or(f64::NAN, |measures| measures.peak_ms);
        let recorded = time(&report.recorded);
        let cells = report.models.iter().zip(&mut alike).map(|(model, alike)| {
            let own = time(&model.generated);
            let is_alike = is_alike(own, recorded);
            *alike += usize::from(is_alike);
            number(own, 1) + &ratio(own, recorded) + if is_alike { " ✓" } else { "" }
        });
        let cells: Vec<String> = cells.collect();
        page.row([class.clone(), number(recorded, 1)].into_iter().chain(cells).chain([number(*others, 2)]));
    }
    let all = rise.others.len();
    let totals = alike.iter().map(|alike| format!("{alike} of {all}"));
    let others = format!("{} of {all}", number(rise.num_alike(), 1));
    page.row(["classes ✓".to_owned(), String::new()].into_iter().chain(totals).chain([others]));
    page.note(&format!(
        "From 10 % of the peak to the peak, medians, in brackets generated over recorded (aim: {} to {}, ✓). Other recordings: as \
         many recordings to train on as are held out, drawn 1000 times, and the share of the draws that would be ✓.",
        ALIKE.start(),
        ALIKE.end()
    ))
}

/// How far notes are from what they should be; nothing where no recording has a note.
fn tuning(report: &Report) -> String {
    let tables = tables(report);
    if tables.iter().all(|table| table.all.tuning.is_none()) {
        return String::new();
    }
    let names = ["class", "sounds", "within 25 cents", "median distance, cents"].map(str::to_owned);
    let mut page = Rows::new("## Tuning", names);
    let row = |name: &str, measures: &[&Measures]| {
        let cell = |value: fn(&Tuning) -> String| {
            joined(measures.iter().map(|m| m.tuning.as_ref().map_or_else(|| "–".to_owned(), value)))
        };
        [
            name.to_owned(),
            cell(|t| t.sounds.to_string()),
            cell(|t| number(t.in_tune, 2)),
            cell(|t| number(t.off_cents, 1)),
        ]
    };
    page.row(row("all", &tables.iter().map(|table| &table.all).collect::<Vec<_>>()));
    for class in report.recorded.classes.keys() {
        page.row(row(class, &tables.iter().filter_map(|table| table.classes.get(class)).collect::<Vec<_>>()));
    }
    let who = joined(std::iter::once("recorded".to_owned()).chain(report.models.iter().map(|model| model.id.clone())));
    page.note(&format!(
        "Each cell: {who}. Of sounds with a note: the share whose pitch, by YIN, is within 25 cents of it (another octave is \
         not), and the median distance whatever the octave, of those that have a pitch."
    ))
}

fn between(report: &Report) -> String {
    let (Some(between), [student, teacher]) = (&report.between, &report.models[..]) else { return String::new() };
    let title = format!("## {} against {}, seed by seed", student.id, teacher.id);
    let mut page = Rows::new(&title, ["class", "log-spectral distance, dB"].map(str::to_owned));
    let rows = between.classes.iter().map(|(class, distance)| [class.clone(), number(*distance, 1)]);
    rows.for_each(|row| page.row(row));
    page.row(["all".to_owned(), number(between.distance_db, 1)]);
    page.row([format!("two seeds of {}", teacher.id), number(between.other_seed_db, 1)]);
    page.note(&format!("Medians over {} pairs of clips of one class and seed, 64 mel bands.", between.clips))
}

fn memorisation(report: &Report) -> String {
    let Some(baseline) = &report.baseline else { return String::new() };
    let headings = ["", "sounds", "pictures", "waveforms", "above a threshold"];
    let mut page = Rows::new("## Memorisation", headings.map(str::to_owned));
    let mut row = |name: &str, near: &Nearness| {
        let values = [number(near.likeness, 3), number(near.correlation, 3), percent(near.above)];
        page.row([name.to_owned(), near.sounds.to_string()].into_iter().chain(values));
    };
    row("recorded, held out", &baseline.held_out);
    row("training sounds, against other sources", &baseline.trained);
    let memorised =
        || report.models.iter().filter_map(|m| m.memorisation.as_ref().map(|memorisation| (m, memorisation)));
    memorised().for_each(|(model, memorisation)| row(&model.id, &memorisation.nearness));
    let Thresholds { likeness, correlation } = baseline.thresholds;
    let mut text = page.note(&format!(
        "Likeness to the nearest training sound, medians; 1: a copy. Pictures: correlation of log-mel levels, best shift. \
         Waveforms: greatest correlation over all shifts. Thresholds {} and {}: each is exceeded by at most 2.5 % of the \
         held-out recordings. Aim: no more of the renders above one than of those recordings, plus 5 points.",
        number(likeness, 3),
        number(correlation, 3)
    ));
    for (model, memorisation) in memorised() {
        let title = format!("\n### Nearest pairs of {}", model.id);
        let mut page = Rows::new(&title, ["render", "training sound", "pictures", "waveforms"].map(str::to_owned));
        for pair in &memorisation.nearest {
            let values = [number(pair.likeness, 3), number(pair.correlation, 3)];
            page.row([pair.render.clone(), pair.recording.clone()].into_iter().chain(values));
        }
        text += &page.0;
    }
    text
}

fn controls(report: &Report) -> String {
    let measured = report.models.iter().filter(|model| !model.controls.is_empty());
    measured.map(|model| model_controls(model, &seeds(report, report.control_seeds))).collect::<Vec<_>>().join("\n")
}

fn model_controls(model: &ModelReport, seeds: &str) -> String {
    let classes: Vec<&String> = model.controls.iter().flat_map(|control| control.classes.keys()).collect();
    let classes = &classes[..classes.len() / model.controls.len()];
    let names = model.controls.iter().map(|control| control.attribute.name().to_owned());
    let title = format!("## Controls of {}", model.id);
    let mut page = Rows::new(&title, std::iter::once(String::new()).chain(names));
    let mut row = |name: &str, cell: &dyn Fn(&Control) -> String| {
        page.row(std::iter::once(name.to_owned()).chain(model.controls.iter().map(cell)));
    };
    row("**all clips**", &|c| bar(c.all));
    row("**mean of the classes**", &|c| bar(c.within_class));
    row("**same class and seed**", &|c| bar(c.same_seed));
    classes.iter().for_each(|class| row(class, &|c| c.classes.get(*class).map_or_else(String::new, |c| number(*c, 2))));
    for (n, asked) in ASKED.iter().enumerate() {
        row(&format!("measured where {asked} was asked"), &|c| number(c.measured[n], 2));
    }
    let clips = model.controls.first().map_or(0, |control| control.clips);
    page.note(&format!(
        "Rank correlation (Spearman) of asked and measured, over {clips} clips an attribute: every class, {seeds}, \
         asked {}. Aim: 0.8 or more (✓). Measured values are medians, as percentiles of the class's training sounds.",
        ASKED.map(|asked| asked.to_string()).join(", ")
    ))
}

fn health(report: &Report) -> String {
    let columns: Vec<(String, &Health)> = std::iter::once(("recorded".to_owned(), &report.recorded_health))
        .chain(report.models.iter().map(|model| (model.id.clone(), &model.health)))
        .collect();
    let names = columns.iter().map(|(name, _)| name.clone());
    let mut page = Rows::new("## Faults", std::iter::once(String::new()).chain(names));
    let clips = columns.iter().map(|(_, health)| health.clips.to_string());
    page.row(std::iter::once("clips".to_owned()).chain(clips));
    for (name, fault) in FAULTS {
        page.row(std::iter::once(name.to_owned()).chain(columns.iter().map(|(_, health)| fault_cell(fault(health)))));
    }
    page.note(&format!(
        "Clips with each fault, as files at -1 dBFS, and the first of them; renders: seeds {} and up, classes drawn.",
        report.first_seed
    ))
}

/// A fault's name and its count.
type NamedFault = (&'static str, fn(&Health) -> &Fault);

const FAULTS: [NamedFault; 7] = [
    ("not finite", |h| &h.not_finite),
    ("silent (below -60 dBFS)", |h| &h.silent),
    ("clipped", |h| &h.clipped),
    ("DC (mean beyond 1 % of the peak)", |h| &h.dc),
    ("tail above -55 dBFS and every recording's", |h| &h.loud_tail),
    ("end cut (last ms above 1 % of the peak)", |h| &h.cut_end),
    ("no fault: beyond full scale with `--raw`", |h| &h.hot),
];

fn fault_cell(fault: &Fault) -> String {
    if fault.clips == 0 { "0".to_owned() } else { format!("{} ({}…)", fault.clips, fault.first[0]) }
}

/// Of the recordings, and of each model.
fn tables(report: &Report) -> Vec<&Table> {
    std::iter::once(&report.recorded).chain(report.models.iter().map(|model| &model.generated)).collect()
}

/// A table under a title.
struct Rows(String);

impl Rows {
    fn new(title: &str, headings: impl IntoIterator<Item = String>) -> Self {
        let headings: Vec<String> = headings.into_iter().collect();
        let rule = "|---".repeat(headings.len());
        let mut rows = Self(format!("{title}\n\n"));
        rows.row(headings);
        rows.0 += &format!("{rule}|\n");
        rows
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // A bar would end the cell: class names and paths may hold one.
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
        self.0 += &format!("| {} |\n", cells.join(" | "));
    }

    fn note(self, text: &str) -> String {
        format!("{}\n{text}\n", self.0)
    }
}

fn number(value: f64, digits: usize) -> String {
    if value.is_finite() { format!("{value:.digits$}") } else { "–".to_owned() }
}

fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share, 1))
}

/// ` (0.84)`: a share of what recordings get; nothing where they get nothing.
fn ratio(value: f64, recorded: f64) -> String {
    let ratio = value / recorded;
    if ratio.is_finite() { format!(" ({ratio:.2})") } else { String::new() }
}

fn bar(correlation: f64) -> String {
    number(correlation, 2) + if correlation >= 0.8 { " ✓" } else { "" }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" / ")
}
