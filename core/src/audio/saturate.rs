//! Louder at the same peak.

/// Saturate `sound` as if it went `drive_db` above the knee of a hyperbolic tangent; its peak stays. Nothing at 0 dB and below.
///
/// Libm: the same bytes on every platform.
pub fn saturate(sound: &mut [f32], drive_db: f32) {
    if drive_db <= 0.0 {
        return;
    }
    let peak = sound.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    if peak <= 0.0 {
        return;
    }
    let drive = libm::powf(10.0, drive_db / 20.0);
    let (within, out) = (drive / peak, peak / libm::tanhf(drive));
    sound.iter_mut().for_each(|x| *x = out * libm::tanhf(within * *x));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_gets_louder_and_its_peak_stays() {
        let hit = |i: u16| 0.6 * (-f32::from(i) / 4000.0).exp() * (0.1 * f32::from(i)).sin();
        let driven = |drive_db: f32| {
            let mut sound: Vec<f32> = (0..16_384).map(hit).collect();
            saturate(&mut sound, drive_db);
            let peak = sound.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
            (peak, 10.0 * sound.iter().map(|x| x * x).sum::<f32>().log10())
        };
        let ((peak, plain), (peak_6, louder), (peak_12, loudest)) = (driven(0.0), driven(6.0), driven(12.0));
        assert!((peak_6 / peak - 1.0).abs() < 1e-5 && (peak_12 / peak - 1.0).abs() < 1e-5);
        assert!(louder > plain + 1.5 && loudest > louder + 1.5, "{plain}, {louder}, {loudest} dB");
    }

    #[test]
    fn silence_stays_silent() {
        let mut sound = vec![0.0; 512];
        saturate(&mut sound, 12.0);
        assert!(sound.iter().all(|x| *x == 0.0));
    }
}
