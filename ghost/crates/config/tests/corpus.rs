//! The contract corpus, which the Go tests read as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ghost_config::load;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Envelope {
    description: String,
    file: Option<Value>,
    text: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    problems: Vec<String>,
}

/// The files of a directory of the corpus. There must be some: a moved corpus is no passed test.
fn files(directory: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(directory);
    let entries = fs::read_dir(&path).unwrap_or_else(|err| panic!("reading {}: {err}", path.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let files: Vec<_> = json.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert!(!files.is_empty(), "{} is empty", path.display());
    files
}

#[test]
fn valid_files_are_taken_without_a_problem() {
    for (path, bytes) in files("ghost/valid") {
        let loaded = load(&bytes, None).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        assert_eq!(loaded.diagnostics, [], "{}", path.display());
    }
}

#[test]
fn invalid_files_are_refused_or_their_problems_reported() {
    for (path, bytes) in files("ghost/invalid") {
        let case: Envelope = serde_json::from_slice(&bytes).unwrap();
        let file = match (case.text, case.file) {
            (Some(text), _) => text.into_bytes(),
            (None, file) => serde_json::to_vec(&file).unwrap(),
        };
        let what = format!("{}: {}", path.display(), case.description);
        match load(&file, None) {
            Err(refused) => assert!(case.expect.refused, "{what}: {refused}"),
            Ok(loaded) => {
                assert!(!case.expect.refused, "{what}: was taken");
                let found: BTreeSet<_> = loaded.diagnostics.iter().map(|d| d.path.clone()).collect();
                assert_eq!(found, case.expect.problems.into_iter().collect(), "{what}");
            }
        }
    }
}
