//! A serial port as a line.

use super::line::Pipes;
use anyhow::{Context, Result};
use std::path::Path;

/// Opens a serial port: raw, eight bits, no parity, one stop bit, no flow control.
///
/// # Errors
/// What cannot be opened, is no serial port, or does not know the speed.
#[cfg(unix)]
pub fn open(path: &Path, baud: u32) -> Result<Pipes> {
    use rustix::fs::OFlags;
    use rustix::termios::{ControlModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    use std::os::unix::fs::OpenOptionsExt;

    let shown = path.display();
    let flags = OFlags::NOCTTY.bits() as i32;
    let port = std::fs::OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
    let port =
        port.with_context(|| format!("error[link]: {shown} cannot be opened; try: the board's port"))?;
    let mut modes = tcgetattr(&port)
        .with_context(|| format!("error[link]: {shown} is no serial port; try: the board's port"))?;
    modes.make_raw();
    modes.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    modes.control_modes &= !(ControlModes::CSTOPB | ControlModes::CRTSCTS);
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    let refused = || {
        format!(
            "error[link]: {shown} does not take {baud} bits a second; try: --baud with what the bitstream has"
        )
    };
    modes.set_speed(baud).with_context(refused)?;
    tcsetattr(&port, OptionalActions::Flush, &modes).with_context(refused)?;
    let input = port.try_clone().with_context(|| format!("error[link]: {shown} cannot be read"))?;
    Ok(Pipes::new(port, input))
}

/// Refuses: nothing here knows the serial ports of this system.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn open(path: &Path, _baud: u32) -> Result<Pipes> {
    anyhow::bail!(
        "error[link]: {}: serial ports are for Unix here; try: Linux, or --simulated",
        path.display()
    )
}
