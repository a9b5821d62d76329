//! The steps from Verilog to a bitstream: synthesis once, then placing, routing and packing for each seed.

use super::device::{Device, Family};
use super::tools::{Found, NEXTPNR, PACK, YOSYS};
use super::{Built, Design, RouteReport};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

/// Says what netlist lies in a folder.
const NETLIST_KEY: &str = "netlist.key";

impl Design {
    /// Builds the bitstream in `folder` with one seed of placement after the other, as many at a time as there are
    /// threads, until one reaches its clocks. What has been built before is taken from `cache`, so what was broken
    /// off goes on where it was. Files in `folder`: `TOP.v`, the pins, `synth.ys`, the netlist, a folder `seed-N` for each
    /// seed that was built here, and of the fastest one logs of the tools, `report.json` of nextpnr, `build.json` and `TOP.bit`.
    /// Where open tools do not go to the end, it is the netlist, what it takes of the device, and a script for the
    /// maker's program.
    ///
    /// Returns what each seed gave, the fastest first, then by seed. `told` hears what is being done.
    ///
    /// # Errors
    /// A device that is not known; tools that are missing or fail, with the end of what they said; a folder that cannot
    /// be written.
    pub fn build(
        &self,
        folder: &Path,
        cache: &Path,
        seeds: Range<u32>,
        told: impl Fn(&str) + Sync,
    ) -> Result<Vec<Built>> {
        let (device, synthesis) = self.begin(folder)?;
        let Family::Ecp5(option) = device.family else { return Ok(vec![synthesis.count(device, &told)?]) };
        let (route, pack) = (NEXTPNR.require()?, PACK.require()?);
        Routing { synthesis, cache, option, route, pack }.all(seeds, &told)
    }

    /// The netlist alone, in `folder`, and what it takes of the device before it is packed.
    ///
    /// # Errors
    /// As [`Design::build`].
    pub fn synthesise(&self, folder: &Path, told: impl Fn(&str)) -> Result<Built> {
        let (device, synthesis) = self.begin(folder)?;
        synthesis.count(device, &told)
    }

    fn begin<'a>(&'a self, folder: &'a Path) -> Result<(Device, Synthesis<'a>)> {
        let (device, yosys) = (self.device()?, YOSYS.require()?);
        make(folder)?;
        Ok((device, Synthesis { design: self, folder, script: device.synthesis(self.top), yosys }))
    }
}

/// From Verilog to a netlist.
struct Synthesis<'a> {
    design: &'a Design,
    folder: &'a Path,
    /// For Yosys.
    script: String,
    yosys: Found,
}

impl Synthesis<'_> {
    /// Makes the netlist, if it does not lie there from before; seconds.
    fn run(&self, told: &impl Fn(&str)) -> Result<f64> {
        let Synthesis { design, folder, script, yosys } = self;
        put(&folder.join(format!("{}.v", design.top)), design.verilog.as_bytes())?;
        put(&folder.join(design.pins_file()), design.site.pins.as_bytes())?;
        put(&folder.join("synth.ys"), script.as_bytes())?;
        if let Some((name, text)) = &design.script {
            put(&folder.join(name), text.as_bytes())?;
        }
        // One that lies there is of another build.
        std::fs::remove_file(folder.join(design.bitstream())).ok();
        let netlist = folder.join(format!("{}.json", design.top));
        let key = design.netlist_key(script, yosys);
        let kept = folder.join(NETLIST_KEY);
        if netlist.is_file() && std::fs::read_to_string(&kept).is_ok_and(|text| text == key) {
            return Ok(0.0);
        }
        told("synthesising with Yosys (minutes)");
        std::fs::remove_file(&kept).ok();
        let seconds = step(yosys, folder, "yosys.log", &["synth.ys".into()], &["-s"])?;
        put(&kept, key.as_bytes())?;
        Ok(seconds)
    }

    /// The netlist and what it takes of the device.
    fn count(&self, device: Device, told: &impl Fn(&str)) -> Result<Built> {
        let seconds = self.run(told)?;
        let cells = device.used(&read(&self.folder.join("stat.json"))?, self.design.top)?;
        let built = Built {
            key: self.design.netlist_key(&self.script, &self.yosys),
            board: self.design.site.name.clone(),
            seed: None,
            tools: vec![self.yosys.version.clone()],
            report: RouteReport { cells, clocks: Vec::new(), paths: Vec::new() },
            bitstream_bytes: None,
            seconds: [seconds, 0.0, 0.0],
        };
        put(&self.folder.join("build.json"), &serde_json::to_vec_pretty(&built)?)?;
        Ok(built)
    }
}

/// From a netlist to bitstreams.
struct Routing<'a> {
    synthesis: Synthesis<'a>,
    cache: &'a Path,
    /// nextpnr's option for the device.
    option: &'static str,
    route: Found,
    pack: Found,
}

/// What several threads route.
struct Seeds {
    /// Those that are left, the last one first.
    left: Vec<u32>,
    /// Those that are built, and with what.
    built: Vec<(u32, Built)>,
    failed: Option<anyhow::Error>,
}

impl Seeds {
    /// Whether one of them is fast enough.
    fn reached(&self) -> bool {
        self.built.iter().any(|(_, one)| one.reached())
    }
}

impl Routing<'_> {
    /// Builds seeds until one reaches its clocks.
    fn all(&self, seeds: Range<u32>, told: &(impl Fn(&str) + Sync)) -> Result<Vec<Built>> {
        let mut all = Seeds { left: Vec::new(), built: Vec::new(), failed: None };
        for seed in seeds.rev() {
            match self.kept(seed)? {
                Some(one) => all.built.push((seed, one)),
                None => all.left.push(seed),
            }
        }
        if !all.built.is_empty() {
            told("taking what has been built before");
        }
        if !all.reached() && !all.left.is_empty() {
            let seconds = self.synthesis.run(told)?;
            told(
                "placing and routing with nextpnr (from a quarter of an hour to an hour; log: seed-N/nextpnr.log)",
            );
            let shared = Mutex::new(all);
            std::thread::scope(|scope| {
                for _ in 0..rayon::current_num_threads() {
                    scope.spawn(|| self.work(seconds, &shared, told));
                }
            });
            all = shared.into_inner().expect("no thread has panicked");
        }
        if let Some(error) = all.failed {
            return Err(error);
        }
        let mut built = all.built;
        built.sort_by(|(a, first), (b, second)| second.share().total_cmp(&first.share()).then(a.cmp(b)));
        for name in self.files().concat() {
            copy(&self.place(built[0].0).join(&name), &self.synthesis.folder.join(&name))?;
        }
        Ok(built.into_iter().map(|(_, one)| one).collect())
    }

    /// Builds seeds until none is left, one has failed, or one is fast enough. `seconds`: of synthesis.
    fn work(&self, seconds: f64, shared: &Mutex<Seeds>, told: &impl Fn(&str)) {
        loop {
            let seed = {
                let mut all = shared.lock().expect("no thread has panicked");
                let over = all.failed.is_some() || all.reached();
                let Some(seed) = all.left.pop().filter(|_| !over) else { return };
                seed
            };
            let one = self.one(seed, seconds).and_then(|one| self.keep(seed).map(|()| one));
            let mut all = shared.lock().expect("no thread has panicked");
            match one {
                Ok(one) => {
                    let clocks = one.report.clocks.iter();
                    let clocks = clocks.map(|clock| format!("{} {:.1} MHz", clock.name, clock.reached_mhz));
                    told(&format!("seed {seed}: {}", clocks.collect::<Vec<_>>().join(", ")));
                    all.built.push((seed, one));
                }
                Err(error) => all.failed = Some(error),
            }
        }
    }

    /// Places, routes and packs with a seed, in a folder of its own.
    fn one(&self, seed: u32, synthesis: f64) -> Result<Built> {
        let design = self.synthesis.design;
        let own = self.own(seed);
        make(&own)?;
        let (top, board) = (design.top, &design.site.board);
        let grade = board.speed_grade.to_string();
        let numbers = [seed.to_string(), design.config.clock_mhz.to_string()];
        let files = [format!("../{top}.json"), format!("{top}.config"), format!("{top}.bit")];
        let pins = format!("../{}", design.pins_file());
        let options = [
            self.option,
            "--package",
            &board.package,
            "--speed",
            &grade,
            "--seed",
            &numbers[0],
            "--freq",
            &numbers[1],
            "--lpf",
            &pins,
            "--json",
            &files[0],
            "--textcfg",
            &files[1],
            "--report",
            "report.json",
            "--timing-allow-fail",
        ];
        let routing = step(&self.route, &own, "nextpnr.log", &options.map(str::to_owned), &[])?;
        let packing = step(&self.pack, &own, "ecppack.log", &files[1..], &[])?;
        let built = Built {
            key: self.key(seed),
            board: design.site.name.clone(),
            seed: Some(seed),
            tools: self.tools().map(|tool| tool.version.clone()).to_vec(),
            report: RouteReport::parse(&read(&own.join("report.json"))?)?,
            bitstream_bytes: Some(read(&own.join(&files[2]))?.len() as u64),
            seconds: [synthesis, routing, packing],
        };
        put(&own.join("build.json"), &serde_json::to_vec_pretty(&built)?)?;
        Ok(built)
    }

    fn tools(&self) -> [&Found; 3] {
        [&self.synthesis.yosys, &self.route, &self.pack]
    }

    fn key(&self, seed: u32) -> String {
        self.synthesis.design.key(seed, &self.synthesis.script, &self.tools())
    }

    /// Where a seed is built.
    fn own(&self, seed: u32) -> PathBuf {
        self.synthesis.folder.join(format!("seed-{seed}"))
    }

    /// Where its build is kept.
    fn place(&self, seed: u32) -> PathBuf {
        self.cache.join(format!("bitstream-{}", self.key(seed)))
    }

    /// What has been built of it before.
    fn kept(&self, seed: u32) -> Result<Option<Built>> {
        let place = self.place(seed);
        let Ok(text) = std::fs::read(place.join("build.json")) else { return Ok(None) };
        let built = serde_json::from_slice(&text);
        built
            .with_context(|| format!("error[build]: {} is damaged; try: remove it", place.display()))
            .map(Some)
    }

    /// What is kept of a build: files of all seeds, and of one.
    fn files(&self) -> [Vec<String>; 2] {
        let design = self.synthesis.design;
        let top = design.top;
        let all = [design.pins_file(), "yosys.log".into(), "stat.txt".into(), format!("{top}.v")];
        let own = ["nextpnr.log", "ecppack.log", "report.json", "build.json"].map(str::to_owned);
        [all.into(), own.into_iter().chain([design.bitstream(), format!("{top}.config")]).collect()]
    }

    /// Copies a build into the cache, whole or not at all.
    fn keep(&self, seed: u32) -> Result<()> {
        let place = self.place(seed);
        let aside = place.with_extension(format!("part-{}", std::process::id()));
        make(&aside)?;
        let [all, own] = self.files();
        for (from, names) in [(self.synthesis.folder.to_path_buf(), all), (self.own(seed), own)] {
            for name in names {
                copy(&from.join(&name), &aside.join(&name))?;
            }
        }
        if std::fs::rename(&aside, &place).is_err() {
            // Somebody else has built the same.
            std::fs::remove_dir_all(&aside).ok();
        }
        Ok(())
    }
}

/// Runs a tool in a folder with everything it says in a log; its seconds.
fn step(tool: &Found, folder: &Path, log: &str, options: &[String], first: &[&str]) -> Result<f64> {
    let path = folder.join(log);
    let unwritable = || format!("error[build]: {} cannot be written", path.display());
    let file = File::create(&path).with_context(unwritable)?;
    let begun = Instant::now();
    let mut command = Command::new(&tool.command[0]);
    // An interpreter's script has its own options in front.
    command.args(&tool.command[1..]);
    if tool.command.len() == 1 {
        command.args(first);
    }
    command.args(options).current_dir(folder).stdin(Stdio::null());
    command.stdout(file.try_clone().with_context(unwritable)?).stderr(file);
    let status = command.status().with_context(|| {
        format!("error[build]: {} cannot be started; try: tilewright doctor", tool.command[0])
    })?;
    if !status.success() {
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(5)..].join("\n");
        bail!(
            "error[build]: {} failed; the whole log is {}; its end:\n{end}",
            tool.command[0],
            path.display()
        );
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("error[build]: {} cannot be made", folder.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("error[build]: {} cannot be written", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("error[build]: {} cannot be read", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    put(to, &read(from)?)
}
