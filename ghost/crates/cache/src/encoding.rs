//! Accept-Encoding, reduced to what an origin's responses are told apart by.

use crate::policy::Coding;
use crate::weighted;

/// The best of these codings that a client takes by the lines of its Accept-Encoding (RFC 9110
/// section 12.5.3): the one with the greatest weight, and the first of those that have the same.
/// None, which is `identity`, where the client takes none of them, likes `identity` better, or does
/// not say.
pub fn choose<'a>(codings: &[Coding], lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Coding> {
    let mut found = Weights::default();
    for (name, weight) in lines.into_iter().flat_map(weighted::elements) {
        if let Some(entry) = found.entry(name) {
            entry.get_or_insert(weight);
        }
    }
    let mut best = None;
    // What has no weight is taken as well, but only if nothing better is there.
    let mut best_weight = found.identity.unwrap_or(0);
    for &coding in codings {
        let weight = found.of(coding).or(found.any).unwrap_or(0);
        // `identity` gives way where it has the same weight.
        let is_better = weight > best_weight || (best.is_none() && weight == best_weight);
        if weight > 0 && is_better {
            (best, best_weight) = (Some(coding), weight);
        }
    }
    best
}

#[derive(Debug, Default)]
struct Weights {
    brotli: Option<u16>,
    gzip: Option<u16>,
    zstd: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Weights {
    fn entry(&mut self, name: &[u8]) -> Option<&mut Option<u16>> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if is("gzip") || is("x-gzip") {
            Some(&mut self.gzip)
        } else if is("br") {
            Some(&mut self.brotli)
        } else if is("zstd") {
            Some(&mut self.zstd)
        } else if is("identity") {
            Some(&mut self.identity)
        } else if is("*") {
            Some(&mut self.any)
        } else {
            None
        }
    }

    fn of(&self, coding: Coding) -> Option<u16> {
        match coding {
            Coding::Brotli => self.brotli,
            Coding::Gzip => self.gzip,
            Coding::Zstd => self.zstd,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_coding_that_the_client_takes_counts() {
        use Coding::{Brotli, Gzip, Zstd};
        let both = [Brotli, Gzip];
        let table: [(&[Coding], &[&str], Option<Coding>); 22] = [
            (&both, &["gzip, deflate, br"], Some(Brotli)),
            (&both, &["br;q=1.0, gzip;q=0.8, *;q=0.1"], Some(Brotli)),
            (&both, &["gzip;q=1.0, br;q=0.8"], Some(Gzip)),
            (&both, &["gzip", "br"], Some(Brotli)),
            (&[Gzip, Brotli], &["gzip, br"], Some(Gzip)),
            (&[Zstd, Gzip], &["gzip, br, zstd"], Some(Zstd)),
            (&[Gzip], &["br"], None),
            (&[Gzip], &["x-gzip"], Some(Gzip)),
            (&[Gzip], &["GZIP"], Some(Gzip)),
            (&[Gzip], &["*"], Some(Gzip)),
            (&both, &["*, br;q=0"], Some(Gzip)),
            (&both, &["*;q=0"], None),
            (&both, &["gzip;q=0"], None),
            (&both, &["gzip;q=0, *"], Some(Brotli)),
            // identity is preferred where it has the greater weight
            (&both, &["identity, gzip;q=0.5"], None),
            (&both, &["identity;q=0.5, gzip"], Some(Gzip)),
            (&both, &["identity;q=0.5, gzip;q=0.5"], Some(Gzip)),
            (&both, &["identity;q=0"], None),
            // an empty field asks for identity, and who sends none does not say
            (&both, &[""], None),
            (&both, &[], None),
            (&[], &["gzip, br"], None),
            (&both, &["gzip;q=x, deflate"], None),
        ];
        for (codings, lines, want) in table {
            let found = choose(codings, lines.iter().map(|line| line.as_bytes()));
            assert_eq!(found, want, "{codings:?} {lines:?}");
        }
    }
}
