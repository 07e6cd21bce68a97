//! Files whose reload was answered, so that a request that is repeated gets the same answer without the work.

use std::hash::{BuildHasher, RandomState};

use crate::gateway::ReloadResult;

/// The file that runs, and the one that was refused since, with what was said of them.
#[derive(Default)]
pub struct KnownFiles {
    digests: Digests,
    taken: Option<Known>,
    refused: Option<Known>,
}

struct Known {
    digest: Digest,
    result: ReloadResult,
}

/// Length and two hashes of a file.
type Digest = (usize, u64, u64);

/// Hashes whose keys nobody else knows.
#[derive(Default)]
struct Digests(RandomState, RandomState);

impl KnownFiles {
    /// What was said of a file of this content, where nothing else was taken since.
    pub fn result(&self, content: &[u8]) -> Option<&ReloadResult> {
        let digest = self.digests.of(content);
        let known = self.taken.iter().chain(&self.refused).find(|known| known.digest == digest);
        known.map(|known| &known.result)
    }

    /// Remembers what was said of a file.
    pub fn remember(&mut self, content: &[u8], result: &ReloadResult) {
        let known = Known { digest: self.digests.of(content), result: result.clone() };
        if result.is_taken() {
            self.refused = None;
            self.taken = Some(known);
        } else {
            self.refused = Some(known);
        }
    }

    /// Forgets all: another file is named.
    pub fn forget(&mut self) {
        self.taken = None;
        self.refused = None;
    }
}

impl Digests {
    fn of(&self, content: &[u8]) -> Digest {
        (content.len(), self.0.hash_one(content), self.1.hash_one(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sequence: i64) -> ReloadResult {
        ReloadResult { sequence, error: String::new(), diagnostics: Vec::new() }
    }

    fn refused(sequence: i64) -> ReloadResult {
        ReloadResult { error: "it is no JSON".into(), ..taken(sequence) }
    }

    #[test]
    fn a_file_is_known_until_another_is_taken() {
        let mut known = KnownFiles::default();
        let sequence =
            |known: &KnownFiles, content: &[u8]| known.result(content).map(|result| result.sequence);
        assert_eq!(sequence(&known, b"one"), None);
        known.remember(b"one", &taken(1));
        known.remember(b"bad", &refused(1));
        known.remember(b"worse", &refused(1));
        assert_eq!(sequence(&known, b"one"), Some(1), "it still runs");
        assert_eq!(sequence(&known, b"bad"), None, "a later one was refused");
        assert!(known.result(b"worse").is_some_and(|result| !result.is_taken()));
        known.remember(b"two", &taken(2));
        assert_eq!(sequence(&known, b"one"), None, "to go back to it is a change");
        assert_eq!(sequence(&known, b"worse"), None, "its answer named what ran then");
        assert_eq!(sequence(&known, b"two"), Some(2));
        known.forget();
        assert_eq!(sequence(&known, b"two"), None);
    }
}
