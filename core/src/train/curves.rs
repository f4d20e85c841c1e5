//! The picture of a training: losses over steps.

use std::path::Path;

use plotters::prelude::*;

use super::held_out::SIGMAS;
use super::log::Line;
use crate::error::{Result, TrainError};

const SIZE: (u32, u32) = (1000, 620);
const COLOURS: [RGBColor; 5] =
    [RGBColor(68, 1, 84), RGBColor(59, 82, 139), RGBColor(33, 144, 141), RGBColor(93, 180, 80), RGBColor(200, 170, 20)];

/// Draw training losses (thin) and held-out losses by noise level into a PNG: the fine stage above, the envelope below.
///
/// The picture has no text (that would need fonts): curves run from the lowest noise level (dark) to the highest (light),
/// the horizontal axis is steps, the vertical one loss from 0 to 1 with a line at every tenth.
pub(super) fn draw(path: &Path, lines: &[Line]) -> Result<()> {
    draw_inner(path, lines)
        .map_err(|problem| TrainError::Curves { path: path.to_path_buf(), problem: problem.to_string() }.into())
}

fn draw_inner(path: &Path, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    let Some(last) = lines.last() else { return Ok(()) };
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    for (panel, stage) in root.split_evenly((2, 1)).iter().zip([Stage::Fine, Stage::Envelope]) {
        let mut chart = ChartBuilder::on(panel).margin(12).build_cartesian_2d(0..last.step.max(1), 0.0..1.05)?;
        for tenth in 0..=10 {
            let level = f64::from(tenth) / 10.0;
            chart.draw_series(LineSeries::new([(0, level), (last.step, level)], RGBColor(225, 225, 225)))?;
        }
        chart
            .draw_series(LineSeries::new(lines.iter().map(|line| (line.step, stage.trained(line))), BLACK.mix(0.35)))?;
        for (level, colour) in (0..SIGMAS.len()).zip(COLOURS) {
            let points = lines.iter().filter_map(|line| Some((line.step, stage.held_out(line, level)?)));
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        }
    }
    root.present()?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Stage {
    Fine,
    Envelope,
}

impl Stage {
    fn trained(self, line: &Line) -> f64 {
        match self {
            Self::Fine => line.fine,
            Self::Envelope => line.envelope,
        }
    }

    fn held_out(self, line: &Line, level: usize) -> Option<f64> {
        let held_out = line.held_out.as_ref()?;
        match self {
            Self::Fine => held_out.fine.map(|losses| losses[level]),
            Self::Envelope => held_out.envelope.map(|losses| losses[level]),
        }
    }
}
