//! Reads a question from the standard input, and writes the answer to the standard output, both as
//! JSON. `gatewayctl explain` runs it.

use std::io::{self, Write};
use std::process::ExitCode;

use ghost_explain::{Question, explain};

fn main() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody else to tell.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> Result<(), Box<dyn std::error::Error>> {
    let text = io::read_to_string(io::stdin()).map_err(|error| format!("reading the question: {error}"))?;
    let question: Question =
        serde_json::from_str(&text).map_err(|error| format!("reading the question: {error}"))?;
    let answer = serde_json::to_vec(&explain(&question)?)?;
    io::stdout().write_all(&answer).map_err(|error| format!("writing the answer: {error}"))?;
    Ok(())
}
