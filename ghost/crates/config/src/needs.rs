//! Features that a record needs its reader to know.

use crate::diagnostic::Findings;

/// The features that this build knows beyond contract 1.0's baseline, which needs none.
const KNOWN: [&str; 0] = [];

/// Why a record cannot be used, where it needs what this build does not know: ignoring the need can open
/// what should be shut, so the record answers 500.
pub(crate) fn unmet(needs: &[String], findings: &mut Findings) -> Option<Box<str>> {
    note_unmet(needs, findings, "this answers 500")
        .map(|need| format!("it needs the feature {need:?}, which is not known").into())
}

/// Notes what a record needs and this build does not know, and what becomes of it. Gives the first of these.
pub(crate) fn note_unmet<'n>(needs: &'n [String], findings: &mut Findings, effect: &str) -> Option<&'n str> {
    let mut first = None;
    for (index, need) in needs.iter().enumerate() {
        if !KNOWN.contains(&need.as_str()) {
            let message = format!("the feature {need:?} is not known, so {effect}");
            findings.element("needs", index, |f| f.note(message));
            first.get_or_insert(need.as_str());
        }
    }
    first
}
