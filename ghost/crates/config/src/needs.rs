//! Features that a record needs its reader to know.

use crate::diagnostic::Findings;

/// The features that this build knows beyond contract 1.0's baseline, which needs none.
const KNOWN: [&str; 0] = [];

/// Why a record cannot be used, where it needs what this build does not know: ignoring the need can open
/// what should be shut, so the record answers 500.
pub(crate) fn unmet(needs: &[String], findings: &mut Findings) -> Option<Box<str>> {
    let mut fault = None;
    for (index, need) in needs.iter().enumerate() {
        if KNOWN.contains(&need.as_str()) {
            continue;
        }
        let message = format!("the feature {need:?} is not known, so this answers 500");
        findings.element("needs", index, |f| f.note(message));
        fault.get_or_insert_with(|| format!("it needs the feature {need:?}, which is not known").into());
    }
    fault
}
