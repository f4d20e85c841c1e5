//! Where inference computes: chosen here and nowhere else.

use candle_core::Device;

use crate::error::{GenerateError, did_you_mean};

const NAMES: [&str; 4] = ["auto", "cpu", "cuda", "metal"];

/// The device of this name: `auto` (the first accelerator that this build and machine have, else the CPU), `cpu`,
/// `cuda` or `metal`. Only the CPU promises the same bytes everywhere.
///
/// # Errors
/// An unknown name, a build without that device, or a machine without it.
pub fn device(name: &str) -> Result<Device, GenerateError> {
    match name {
        "cpu" => Ok(Device::Cpu),
        "cuda" => accelerator(name, cfg!(feature = "cuda"), Device::new_cuda),
        "metal" => accelerator(name, cfg!(feature = "metal"), Device::new_metal),
        "auto" => Ok(device("cuda").or_else(|_| device("metal")).unwrap_or(Device::Cpu)),
        _ => {
            let reason = format!("known are {}{}", NAMES.join(", "), did_you_mean(name, NAMES));
            Err(GenerateError::Device { found: format!("\"{name}\""), reason })
        }
    }
}

fn accelerator(
    name: &str,
    is_built: bool,
    open: impl Fn(usize) -> candle_core::Result<Device>,
) -> Result<Device, GenerateError> {
    let refuse = |reason: String| GenerateError::Device { found: name.into(), reason };
    if !is_built {
        return Err(refuse(format!("this build has no {name} support (cargo feature `{name}`)")));
    }
    open(0).map_err(|error| refuse(format!("{} on this machine", first_line(&error))))
}

/// With RUST_BACKTRACE the rest of candle's messages is a backtrace.
fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        assert!(device("cpu").unwrap().is_cpu());
        assert!(device("auto").is_ok());
    }

    #[test]
    fn an_unknown_device_lists_the_known_ones_and_the_nearest() {
        let message = device("cude").unwrap_err().to_string();
        assert!(message.contains("auto, cpu, cuda, metal") && message.contains("did you mean"), "{message}");
    }

    #[test]
    fn a_device_that_fails_says_why_on_one_line() {
        let fails = |_| Err(candle_core::Error::Msg("no card\n   0: a backtrace".into()));
        let message = accelerator("cuda", true, fails).unwrap_err().to_string();
        assert!(message.contains("no card on this machine") && !message.contains("backtrace"), "{message}");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so() {
        assert!(device("cuda").unwrap_err().to_string().contains("no cuda support"));
    }
}
