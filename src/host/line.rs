//! Bytes of a serial line, whatever carries them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Both directions of a serial line.
pub trait SerialLine {
    /// Sends bytes.
    ///
    /// # Errors
    /// What the system says, or that the other side has gone.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Adds what comes to `come`, and returns as soon as something has; false when nothing comes in time.
    ///
    /// # Errors
    /// What the system says, or that the other side has gone.
    fn receive(&mut self, come: &mut VecDeque<u8>, within: Duration) -> io::Result<bool>;
}

/// A line of something to write to and something to read from. A thread reads, so that a read can be waited for no
/// longer than is wanted.
pub struct Pipes {
    output: Option<Box<dyn Write + Send>>,
    input: Receiver<io::Result<Vec<u8>>>,
    child: Option<Child>,
}

impl Pipes {
    /// Of two directions.
    pub fn new(output: impl Write + Send + 'static, mut input: impl Read + Send + 'static) -> Pipes {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let read = match input.read(&mut bytes) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => Ok(bytes[..count].to_vec()),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) => Err(e),
                };
                let ended = read.is_err();
                // Nobody listens any more, or nothing comes any more.
                if sender.send(read).is_err() || ended {
                    return;
                }
            }
        });
        Pipes { output: Some(Box::new(output)), input: receiver, child: None }
    }

    /// Of a process's standard input and output, which ends with the line.
    ///
    /// # Errors
    /// A process that has no pipes there.
    pub fn of_process(mut child: Child) -> io::Result<Pipes> {
        let (Some(output), Some(input)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the process has no pipes"));
        };
        let mut pipes = Pipes::new(output, input);
        pipes.child = Some(child);
        Ok(pipes)
    }
}

impl SerialLine for Pipes {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let output = self.output.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        output.write_all(bytes)?;
        output.flush()
    }

    fn receive(&mut self, come: &mut VecDeque<u8>, within: Duration) -> io::Result<bool> {
        match self.input.recv_timeout(within) {
            Ok(bytes) => {
                come.extend(bytes?);
                Ok(true)
            }
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // Its input ends, and so does it; what it still does matters to nobody.
        self.output = None;
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
