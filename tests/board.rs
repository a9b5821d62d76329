//! Networks on the simulated Verilog of a board, down to its serial line, driven by the code that drives a board.

mod common;

use common::{folder, lenet, refused, text, tilewright};
use std::path::PathBuf;
use std::process::Command as Program;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tilewright::artefact::{Artefact, Golden};
use tilewright::host::{
    Link, LinkError, Pipes, RequestFrame, SerialLine, Session, request, simulated, switch_on,
};
use tilewright_arch::link::{BoardStatus, Command, Status, checksum};
use tilewright_arch::registers::{ADDRESS, BASE, COUNT, ERROR, ERRORS, LIMIT};
use tilewright_arch::{Config, isa};

/// The artefact of the network of digits for a 4x4, compiled once.
fn artefact() -> PathBuf {
    static MADE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let make = || {
        let path = folder("board").join("lenet.tw");
        let out = path.display().to_string();
        let output = tilewright(&["compile", &lenet(), "--array", "4x4", "-o", &out, "-q"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        path
    };
    MADE.get_or_init(make).clone()
}

/// A simulated 4x4, switched on, that is waited for half as long as people wait.
fn board() -> Link<Pipes> {
    let board = simulated(&Config::sized(4, 4), 1 << 20).unwrap();
    switch_on(&board).unwrap().patient(Duration::from_secs(3))
}

/// The golden sample on a board: every byte and the cycles.
fn golden_runs(link: Link<Pipes>, artefact: &Artefact) {
    let mut session = Session::open(link, &artefact.compiled).unwrap();
    session.load().unwrap();
    golden_again(&mut session, artefact);
}

fn golden_again(session: &mut Session<Pipes>, artefact: &Artefact) {
    let frame = session.run(&artefact.golden.inputs, &artefact.golden.stages).unwrap();
    let stages = frame.stages.into_iter().map(|ran| ran.bytes).collect();
    let got = Golden { inputs: artefact.golden.inputs.clone(), outputs: frame.outputs, stages };
    assert_eq!(artefact.golden.difference(&got), None);
}

fn error(name: &str) -> u32 {
    1 << ERRORS.iter().position(|error| error.name == name).expect("a name of the table")
}

/// Waits until the run has ended.
fn ended(link: &mut Link<Pipes>) -> BoardStatus {
    let begun = Instant::now();
    loop {
        let status = link.status().unwrap();
        if !status.running {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not end");
        sleep(Duration::from_millis(1));
    }
}

/// Three digits through the serial line: bytes, outputs and cycles are the simulator's.
#[test]
fn digits_run_on_the_simulated_board() {
    let path = artefact().display().to_string();
    let samples = common::model("lenet_mnist").join("calib.npz");
    let few = folder("few");
    let graph = tilewright::artefact::Artefact::read(&artefact()).unwrap().interface;
    let images = tilewright::model::samples(&graph, &samples).unwrap();
    let three: Vec<f32> = images[..3].iter().flat_map(|inputs| inputs[0].iter().copied()).collect();
    let input = few.join("three.npy");
    std::fs::write(&input, tilewright_compiler::npy::npy_f32(&[3, 1, 28, 28], &three)).unwrap();
    let input = input.display().to_string();
    let out = few.join("out");
    let asked = ["run", &path, "--simulated", "--input", &input, "--check", "--json"];
    let output = tilewright(&[&asked[..], &["-o", out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["samples"], 3);
    assert_eq!(object["differences"].as_array().unwrap().len(), 0);
    assert_eq!(object["cycles_are_exact"], true);
    common::documented("run", std::slice::from_ref(&object));
    assert_eq!((&object["model"], &object["machine"]), (&path.as_str().into(), &"tilewright-4x4".into()));
    let simulated = tilewright(&["simulate", &path, "--json"]);
    let simulated: serde_json::Value = serde_json::from_slice(&simulated.stdout).unwrap();
    for cycles in object["cycles"].as_array().unwrap() {
        assert_eq!(cycles, &simulated["cycles"]);
    }
    assert!(out.join("sample_2_output_0.npy").is_file());
}

/// Whatever comes over the line, the board counts it, answers the next request, and runs the network right.
#[test]
fn the_line_may_say_anything() {
    let artefact = Artefact::read(&artefact()).unwrap();
    let mut link = board();
    let identity = link.identify().unwrap();
    assert_eq!(identity.isa, isa::key(&artefact.compiled.config));
    let fresh = link.status().unwrap();
    assert_eq!((fresh.skipped, fresh.dropped), (0, 0));
    link.write_memory(100, &[1, 2, 3, 4, 5]).unwrap();

    // Garbage without a mark is skipped, byte for byte.
    link.line().send(&[0, 1, 2, 3, 0x5a, 0xff]).unwrap();
    let now = link.status().unwrap();
    assert_eq!((now.skipped, now.dropped), (6, 0));

    // A wrong checksum: every single bit of a frame turned over in turn, from the sequence number on.
    let write = RequestFrame {
        sequence: 77,
        command: Command::WriteMemory,
        address: 102,
        count: 1,
        payload: &[0xee],
    };
    let frame = request(&write);
    // Bits of the count would make it another frame's length.
    let bits: Vec<usize> = (8..8 * frame.len()).step_by(5).filter(|bit| !(56..72).contains(bit)).collect();
    for bit in &bits {
        let mut wrong = frame.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        link.line().send(&wrong).unwrap();
    }
    let now = link.status().unwrap();
    // A command that carries nothing has the payload taken for its checksum, and a byte is left over.
    assert_eq!(usize::from(now.dropped), bits.len());
    assert_eq!(link.read_memory(100, 5).unwrap(), [1, 2, 3, 4, 5], "a damaged frame has been done");

    // A frame that is too long is dropped at its head; what follows is skipped.
    let mut long = vec![0xa5, 9, 0x84, 0, 0, 0, 0, 0x01, 0x04];
    long.extend([7; 20]);
    link.line().send(&long).unwrap();
    let then = link.status().unwrap();
    assert_eq!(usize::from(then.dropped), bits.len() + 1);
    assert_eq!(then.skipped, now.skipped + 20);

    // A host that dies in the middle of a frame; the next one asks in vain until the board has given the rest up.
    link.line().send(&frame[..7]).unwrap();
    let before = link.sent_again();
    let after = link.status().unwrap();
    assert!(link.sent_again() > before || after.dropped > then.dropped);
    assert_eq!(link.read_memory(100, 5).unwrap(), [1, 2, 3, 4, 5]);
    golden_runs(link, &artefact);
}

/// The same frame twice is done once, and answered twice.
#[test]
fn nothing_is_done_twice() {
    let mut link = board();
    link.identify().unwrap();
    let ask = |link: &mut Link<Pipes>, sequence: u8, command: Command, address: u32, payload: &[u8]| {
        let count = payload.len() as u16;
        let asked = RequestFrame { sequence, command, address, count, payload };
        link.line().send(&request(&asked)).unwrap();
        let mut come = std::collections::VecDeque::new();
        while link.line().receive(&mut come, Duration::from_secs(5)).unwrap() {
            if let Some(answer) = tilewright::host::answers(&mut come).pop() {
                return answer;
            }
        }
        panic!("no answer");
    };
    let one = 200;
    assert_eq!(ask(&mut link, 201, Command::WriteMemory, one, &[1]), (201, 0, vec![]));
    // Another host's write in between would be another number; here the same one has other bytes.
    assert_eq!(ask(&mut link, 201, Command::WriteMemory, one, &[2]), (201, 0, vec![]));
    assert_eq!(link.read_memory(one, 1).unwrap(), [1]);
    // A refusal is repeated as well: control is not written this way.
    assert_eq!(ask(&mut link, 210, Command::WriteRegisters, 0, &[1, 0, 0, 0]), (210, 3, vec![]));
    assert_eq!(ask(&mut link, 210, Command::WriteRegisters, 0, &[1, 0, 0, 0]), (210, 3, vec![]));
    assert!(!link.status().unwrap().running);
    // A start: without lists the machine is done at once; a second run would count its cycles anew.
    for (register, words) in [(ADDRESS, 4), (COUNT, 4)] {
        link.write_registers(register.number, &vec![0; words]).unwrap();
    }
    assert_eq!(ask(&mut link, 220, Command::Start, 0, &[]), (220, 0, vec![]));
    let first = ended(&mut link);
    assert!(first.done && first.error == 0);
    link.write_registers(LIMIT.number, &[1]).unwrap();
    assert_eq!(ask(&mut link, 230, Command::Start, 0, &[]).1, 0);
    assert_eq!(u32::from(ended(&mut link).error), error("cycle_limit"));
    link.write_registers(LIMIT.number, &[0]).unwrap();
    assert_eq!(ask(&mut link, 240, Command::Start, 0, &[]).1, 0);
    assert_eq!(ended(&mut link).error, 0);
}

/// What cannot be done is refused, and the refusal changes nothing.
#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut link = board();
    let identity = link.identify().unwrap();
    let status = |result: Result<_, LinkError>| match result {
        Err(LinkError::Refused { status, .. }) => status,
        Err(other) => panic!("{other}"),
        Ok(()) => panic!("it was done"),
    };
    let end = identity.memory_bytes;
    link.write_memory(end - 2, &[8, 9]).unwrap();
    assert_eq!(status(link.write_memory(end - 1, &[1, 2])), Status::Outside);
    assert_eq!(status(link.write_memory(end, &[1])), Status::Outside);
    assert_eq!(status(link.read_memory(u32::MAX - 3, 4).map(drop)), Status::Outside);
    assert_eq!(link.read_memory(end - 2, 1).unwrap(), [8]);
    assert_eq!(status(link.write_registers(0, &[1])), Status::Outside);
    assert_eq!(status(link.write_registers(16, &[1])), Status::Outside);
    assert!(!link.status().unwrap().running);
    // A command that there is none of: its frame made by hand.
    let mut frame = vec![0xa5, 90, 0x7f, 0, 0, 0, 0, 0, 0];
    frame.extend(checksum(&frame[1..]).to_le_bytes());
    link.line().send(&frame).unwrap();
    let mut come = std::collections::VecDeque::new();
    let answer = loop {
        assert!(link.line().receive(&mut come, Duration::from_secs(5)).unwrap());
        if let Some(answer) = tilewright::host::answers(&mut come).pop() {
            break answer;
        }
    };
    assert_eq!(answer, (90, Status::Unknown as u8, vec![]));
}

/// While the machine runs the memory is its own; a reset in the middle ends the run; afterwards all is as ever.
#[test]
fn a_run_is_left_alone_or_reset() {
    let artefact = Artefact::read(&artefact()).unwrap();
    let mut session = Session::open(board(), &artefact.compiled).unwrap();
    session.load().unwrap();
    golden_again(&mut session, &artefact);
    // The registers still have that run.
    let link = session.link();
    link.start().unwrap();
    let busy = |result: Result<(), LinkError>| {
        matches!(result, Err(LinkError::Refused { status: Status::Busy, .. }))
    };
    assert!(busy(link.write_memory(0, &[1])));
    assert!(busy(link.read_memory(0, 1).map(drop)));
    assert!(busy(link.start()));
    assert!(busy(link.write_registers(BASE.number, &[0])));
    assert!(link.status().unwrap().running, "the run was too short to try all that");
    assert!(link.read_registers(2, 1).unwrap()[0] > 0);
    link.reset().unwrap();
    let status = link.status().unwrap();
    assert!(!status.running && !status.done);
    session.load().unwrap();
    golden_again(&mut session, &artefact);
}

/// Programs of another machine, words that are no instructions, a list that is not there, and a run that takes too
/// long: each ends with its error, and the next run is right.
#[test]
fn programs_that_are_none_end_with_an_error() {
    let artefact = Artefact::read(&artefact()).unwrap();
    let program = &artefact.compiled.programs().next().unwrap().1.program;
    let mut session = Session::open(board(), &artefact.compiled).unwrap();
    session.load().unwrap();
    let lists: Vec<u32> = program.stream_address.to_vec();
    let counts: Vec<u32> = program.counts().map(|count| count as u32).to_vec();
    let attempt = |session: &mut Session<Pipes>, lists: &[u32], limit: u32| -> u32 {
        let link = session.link();
        link.write_registers(ADDRESS.number, &[lists, &counts].concat()).unwrap();
        link.write_registers(LIMIT.number, &[limit, 0]).unwrap();
        link.start().unwrap();
        ended(link);
        link.read_registers(ERROR.number, 1).unwrap()[0]
    };
    // The key of another machine.
    let key = isa::key(&artefact.compiled.config) ^ 1;
    session.link().write_memory(lists[0], &key.to_le_bytes()).unwrap();
    assert_eq!(attempt(&mut session, &lists, 0), error("foreign_program"));
    session.load().unwrap();
    golden_again(&mut session, &artefact);
    // Noise in place of the loads, behind a key that is right.
    let noise: Vec<u8> = (0..32 * counts[2]).map(|n| (n * 167 + n / 7) as u8).collect();
    session.link().write_memory(lists[2] + 32, &noise).unwrap();
    let errors = attempt(&mut session, &lists, 200_000);
    assert_ne!(errors, 0);
    // A list beyond the memory.
    session.load().unwrap();
    let beyond = session.identity().memory_bytes;
    assert_eq!(attempt(&mut session, &[beyond, lists[1], lists[2], lists[3]], 0) & 1, error("read_error"));
    // Too long.
    assert_eq!(attempt(&mut session, &lists, 1000), error("cycle_limit"));
    session.load().unwrap();
    golden_again(&mut session, &artefact);
}

/// An artefact for another machine is refused before anything is loaded.
#[test]
fn an_artefact_of_another_machine_is_refused() {
    let artefact = Artefact::read(&artefact()).unwrap();
    let mut compiled = artefact.compiled.clone();
    compiled.config.weight_words += 1;
    let refusal = Session::open(board(), &compiled).err().unwrap().to_string();
    assert!(refusal.contains("runs programs of key"), "{refusal}");
    refused(&["run", &lenet(), "--simulated"], &["error[artefact]"]);
    let missing = folder("ports").join("none").display().to_string();
    refused(
        &["run", &self::artefact().display().to_string(), "--port", &missing],
        &["error[link]", "cannot be opened"],
    );
}

/// A simulated 4x4 behind a terminal, which passes for a serial port.
#[cfg(unix)]
struct Terminal {
    path: String,
    process: std::process::Child,
    /// Open on this side too, so that it lives on between the port's opening and closing.
    _kept: std::fs::File,
}

#[cfg(unix)]
impl Terminal {
    fn new() -> Terminal {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use std::fs::File;
        use std::thread::spawn;
        let board = simulated(&Config::sized(4, 4), 1 << 20).unwrap();
        let mut process = board.start().unwrap();
        let (mut input, mut output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let path = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let kept = File::options().read(true).write(true).open(&path).unwrap();
        let mut to_host = File::from(ours);
        let mut from_host = to_host.try_clone().unwrap();
        spawn(move || std::io::copy(&mut from_host, &mut input));
        spawn(move || std::io::copy(&mut output, &mut to_host));
        Terminal { path, process, _kept: kept }
    }
}

#[cfg(unix)]
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port's code, its modes and its speed, and the whole command.
#[cfg(unix)]
#[test]
fn a_serial_port_is_driven() {
    let terminal = Terminal::new();
    let path = artefact().display().to_string();
    let run = tilewright(&["run", &path, "--port", &terminal.path, "--timeout", "10", "--check", "--json"]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let object: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&object["simulated"], &object["checked"]), (&false.into(), &true.into()));
    assert_eq!(object["differences"].as_array().unwrap().len(), 0);
    assert_eq!(object["cycles_are_exact"], true);
}

/// The host in C runs the network of digits: the golden bytes, and the cycles.
#[cfg(unix)]
#[test]
fn the_host_in_c_gets_the_same_bytes() {
    let folder = folder("host-in-c");
    let at = |name: &str| folder.join(name).display().to_string();
    let net = artefact().display().to_string();
    let generated = tilewright(&["generate", &net, "-o", &at("generated"), "-q"]);
    assert!(generated.status.success(), "{}", text(&generated.stderr));
    let clients = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/c");
    let built = Program::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror", "-O1", "-I"])
        .args([folder.join("generated"), clients.join("run.c"), clients.join("tilewright_link.c")])
        .args(["-o", &at("run")])
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    let artefact = Artefact::read(&artefact()).unwrap();
    let golden = &artefact.golden.stages[0];
    let bytes = |port: &[i8]| port.iter().map(|&byte| byte as u8).collect::<Vec<u8>>();
    std::fs::write(at("input.bin"), bytes(&golden.inputs[0])).unwrap();
    let terminal = Terminal::new();
    let image = at("generated/memory.bin");
    let ran = Program::new(at("run"))
        .args([&terminal.path, &image, &at("input.bin"), &at("output.bin"), "10000"])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stdout), format!("{} cycles\n", golden.cycles));
    assert_eq!(std::fs::read(at("output.bin")).unwrap(), bytes(&golden.outputs[0]));
}

/// The host in Python, which knows the documents alone, runs a network of several stages.
#[cfg(unix)]
#[test]
fn the_host_in_python_runs_several_stages() {
    if Program::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: the host in Python: there is no python3");
        return;
    }
    let folder = folder("host-in-python");
    let net = folder.join("net.tw").display().to_string();
    let case = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/yolo-boxes-scores-concat");
    let out =
        tilewright(&["compile", &case.display().to_string(), "--array", "4x4", "-o", &net, "--pack", "-q"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let artefact = Artefact::read(&folder.join("net.tw")).unwrap();
    assert!(artefact.golden.stages.len() > 1, "the case has one stage");
    let cycles: u64 = artefact.golden.stages.iter().map(|stage| stage.cycles).sum();
    let terminal = Terminal::new();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/python/tilewright_board.py");
    let ran =
        Program::new("python3").arg("-B").arg(script).args([&net, &terminal.path, "10"]).output().unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stdout), format!("{cycles} cycles, all bytes equal\n"));
}
