//! Runs every .vtc file of tests/vtc with varnishtest against the VMOD that this build made, each
//! as one test named by its file.
//!
//! varnishtest is the file that VARNISHTEST names, else the one on PATH, else the one that
//! test/varnish/fetch puts into the home directory's cache. Without it the tests fail.
//!
//! A file whose VCL has no part in a fetch or a delivery runs once more with the direct door for passed requests. One
//! that says FETCH DOOR or DIRECT DOOR is of that door alone.
//!
//! In a .vtc file `${vmod_path}` finds this ghost and Varnish's own VMODs, `${vcl}` is the directory
//! with the generated VCL around a user's, and `${fixtures}` the directory of this file.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

/// varnishtest's own limit for one file, in seconds.
const LIMIT: &str = "60";

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("the VCL around a user's is that of the contract", vcl_is_that_of_the_contract),
        Trial::test("what can go wrong in the direct door has its tests", hazards_have_their_tests),
    ];
    for file in vtc_files() {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
        if may_go_direct(&file) {
            let file = file.clone();
            trials.push(Trial::test(format!("{name} (direct)"), move || run(&file, &loaded_vcl(true)?)));
        }
        if may_go_by_fetch(&file) {
            trials.push(Trial::test(name, move || run(&file, &loaded_vcl(false)?)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn vtc_files() -> Vec<PathBuf> {
    let directory = tests().join("vtc");
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap_or_else(|e| panic!("reading {}: {e}", directory.display()))
        .map(|entry| entry.expect("reading a directory entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "vtc"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no .vtc file in {}", directory.display());
    files
}

/// Whether the file's VCL leaves a passed request alone once it has been routed.
fn may_go_direct(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()));
    let is_whole = text.contains("postamble.vcl");
    let hooks = ["vcl_pass", "vcl_backend_", "vcl_deliver", "vcl_synth", "return (hash)", "FETCH DOOR"];
    is_whole && !hooks.iter().any(|hook| text.contains(hook))
}

/// Whether the file is not of the direct door alone.
fn may_go_by_fetch(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()));
    let is_direct_alone = text.contains("DIRECT DOOR");
    assert!(!is_direct_alone || may_go_direct(file), "{} runs in no door", file.display());
    !is_direct_alone
}

/// The directory with the VCL around a user's as a gateway loads it: chaperone puts in what `shared/mainvcl/vcl` has.
fn loaded_vcl(direct: bool) -> Result<PathBuf, Failed> {
    let name = if direct { "vcl-direct" } else { "vcl-fetch" };
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory)?;
    let read = |file: PathBuf| fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()));
    let added = |name| read(tests().join("../../../../shared/mainvcl/vcl").join(name));
    let ours = |name| read(tests().join("vcl").join(name));
    let place = |text: String, place: &str, vcl: &str| match text.matches(place).count() {
        1 => Ok(text.replace(place, vcl)),
        count => Err(format!("{place:?} is there {count} times")),
    };
    let preamble = place(ours("preamble.vcl")?, "// varnish-gateway cache before", &added("before.vcl")?)?;
    let mut postamble =
        place(ours("postamble.vcl")?, "// varnish-gateway cache lookup", &added("lookup.vcl")?)?;
    postamble += &added("after.vcl")?;
    if direct {
        postamble += &added("direct.vcl")?;
    }
    for (name, text) in [("preamble.vcl", preamble), ("postamble.vcl", postamble)] {
        // Tests run side by side: each finds a whole file.
        let file = directory.join(name);
        if fs::read_to_string(&file).ok().as_deref() != Some(&text) {
            let own = directory.join(format!("{name}.{:?}", std::thread::current().id()));
            fs::write(&own, text)?;
            fs::rename(own, file)?;
        }
    }
    Ok(directory)
}

/// The binaries beside varnishtest, such as varnishd, must be on PATH too: it starts them by name.
fn run(file: &Path, vcl: &Path) -> Result<(), Failed> {
    let varnishtest = varnishtest()?;
    let beside = varnishtest.parent().unwrap_or(Path::new("."));
    let path = env::join_paths(
        std::iter::once(beside.to_path_buf())
            .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )?;
    let output = Command::new(&varnishtest)
        .env("PATH", path)
        .args(["-t", LIMIT])
        .arg("-D")
        .arg(format!("vmod_path={}:{}", vmod_directory()?.display(), varnish_vmods(&varnishtest)?))
        .arg("-D")
        .arg(format!("vcl={}", vcl.display()))
        .arg("-D")
        .arg(format!("fixtures={}", tests().display()))
        .arg(file)
        .output()
        .map_err(|e| format!("starting {}: {e}", varnishtest.display()))?;
    if output.status.success() {
        return Ok(());
    }
    // 77 is varnishtest's word for a test that it would not run: not good enough here.
    Err(format!(
        "varnishtest {}: {}\n{}{}",
        file.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )
    .into())
}

fn varnishtest() -> Result<PathBuf, Failed> {
    if let Some(named) = env::var_os("VARNISHTEST") {
        return Ok(PathBuf::from(named));
    }
    let cached = env::var_os("HOME").map(|home| Path::new(&home).join(".cache/varnish-7.7/bin"));
    env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .chain(cached)
        .map(|directory| directory.join("varnishtest"))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| {
            "varnishtest of Varnish 7.7 is needed: name it in VARNISHTEST, put it on PATH, \
             or run test/varnish/fetch"
                .into()
        })
}

/// Cargo leaves the library beside the test's own executable.
fn vmod_directory() -> Result<PathBuf, Failed> {
    let executable = env::current_exe()?;
    let directory = executable.parent().ok_or("the test has no directory")?;
    let library = directory.join("libvmod_ghost.so");
    if !library.is_file() {
        return Err(format!("{} is not built", library.display()).into());
    }
    Ok(directory.to_path_buf())
}

/// Where Varnish's own VMODs are: as it says itself, or beside the unpacked packages.
fn varnish_vmods(varnishtest: &Path) -> Result<String, Failed> {
    if let Some(unpacked) = varnishtest.parent().and_then(Path::parent).map(|d| d.join("root/usr/lib")) {
        for entry in fs::read_dir(unpacked).into_iter().flatten().flatten() {
            let vmods = entry.path().join("varnish/vmods");
            if vmods.is_dir() {
                return Ok(vmods.display().to_string());
            }
        }
    }
    let output = Command::new("pkg-config").args(["--variable=vmoddir", "varnishapi"]).output()?;
    let vmods = String::from_utf8(output.stdout)?.trim().to_owned();
    if vmods.is_empty() {
        return Err("pkg-config does not know varnishapi's vmoddir".into());
    }
    Ok(vmods)
}

fn vcl_is_that_of_the_contract() -> Result<(), Failed> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/reference/vcl-contract.md");
    let page = fs::read_to_string(&page).map_err(|e| format!("reading {}: {e}", page.display()))?;
    let block = page
        .split_once("```vcl\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(block, _)| block)
        .ok_or("no VCL in docs/reference/vcl-contract.md")?;
    let preamble = fs::read_to_string(tests().join("vcl/preamble.vcl"))?;
    let postamble = fs::read_to_string(tests().join("vcl/postamble.vcl"))?;
    let user = block.strip_prefix(&*preamble).and_then(|rest| rest.strip_suffix(&*postamble));
    match user {
        Some(user) if user.contains("what the user wrote") => Ok(()),
        _ => Err(format!("tests/vcl differs from the contract's page:\n{preamble}\n{postamble}").into()),
    }
}

/// Every test that the page of the direct door names is there, and every hazard names one.
fn hazards_have_their_tests() -> Result<(), Failed> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let page = top.join("docs/design/direct-door.md");
    let page = fs::read_to_string(&page).map_err(|e| format!("reading {}: {e}", page.display()))?;
    let mut end_to_end = String::new();
    for entry in fs::read_dir(top.join("test/e2e"))? {
        end_to_end += &fs::read_to_string(entry?.path())?;
    }
    let is_there = |name: &str| {
        name.ends_with(".vtc") && tests().join("vtc").join(name).is_file()
            || name.ends_with(".rs") && top.join("ghost/crates").join(name).is_file()
            || name.starts_with("Test") && end_to_end.contains(&format!("func {name}("))
    };
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    for row in rows {
        let names = row.rsplit('|').nth(1).unwrap_or_default();
        let names: Vec<_> =
            names.split('`').skip(1).step_by(2).filter(|name| !name.contains("/mainvcl")).collect();
        match names.iter().find(|name| !is_there(name)) {
            Some(name) => return Err(format!("there is no test {name}: {row}").into()),
            None if names.is_empty() => return Err(format!("no test: {row}").into()),
            None => {}
        }
    }
    Ok(())
}
