//! The version of the contract that a file is written in.

use crate::Refused;

/// The major version of ghost.json that this build reads.
pub const MAJOR: u64 = 1;

/// Accepts "major.minor.patch" of this build's major, whatever the minor: what a newer minor adds is
/// either ignored, or named in the needs of the records that depend on it.
///
/// # Errors
/// [`Refused::Version`] where the text is no version, [`Refused::UnknownMajor`] where it is another contract.
pub(crate) fn check(text: &str) -> Result<(), Refused> {
    let Some(major) = major(text) else {
        return Err(Refused::Version { version: text.into() });
    };
    if major != MAJOR {
        return Err(Refused::UnknownMajor { version: text.into() });
    }
    Ok(())
}

fn major(text: &str) -> Option<u64> {
    let mut numbers = [0; 3];
    let mut parts = text.split('.');
    for number in &mut numbers {
        *number = number_of(parts.next()?)?;
    }
    parts.next().is_none().then_some(numbers[0])
}

/// A number as semver writes it: digits only, no sign, no leading zero.
fn number_of(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    (plain && !leading_zero).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_major_is_read_whatever_its_minor() {
        for version in ["1.0.0", "1.7.3"] {
            assert!(check(version).is_ok(), "{version}");
        }
    }

    #[test]
    fn another_major_is_refused_by_name() {
        for version in ["2.0.0", "0.9.0", "18446744073709551615.0.0"] {
            let refused = check(version).unwrap_err();
            assert!(refused.to_string().contains(version), "{refused}");
            assert!(matches!(refused, Refused::UnknownMajor { .. }));
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for version in ["", "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", "+1.0.0", "01.0.0", "1..0"] {
            assert!(matches!(check(version), Err(Refused::Version { .. })), "{version}");
        }
    }
}
