//! The matches under one hostname, found by path.
//!
//! The index narrows down to the lists of matches whose path condition can hold. Every match has its position
//! in the order of ranks, lists are in that order, and the lowest position that fits wins, whichever list it
//! comes from. So the outcome is that of trying all matches in order, whatever the ranks say; and where
//! they say what the Gateway API does, the exact list or the longest prefix ends the search: no list is looked at
//! that has no lower position.

use std::collections::HashMap;
use std::sync::Arc;

use ghost_config::{Match, PathMatch, Route};
use smallvec::{SmallVec, smallvec};

use crate::decision::Outcome;
use crate::match_list::{Asked, MatchList};
use crate::names::{Names, Part, Position};
use crate::request::Headers;
use crate::selection::{Selection, is_path_alone};

/// A match, by its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Among the routes of the index.
    pub route: usize,
    pub rule: usize,
    pub match_index: usize,
    /// What its rule does with a request.
    pub outcome: Outcome,
    /// Whether its path is its only condition, and the index has looked at it.
    pub is_path_alone: bool,
}

impl Candidate {
    /// The match itself. Candidates are made of sound matches only.
    fn get<'r>(&self, routes: &'r [Arc<Route>]) -> Option<&'r Match> {
        routes[self.route].rules[self.rule].matches[self.match_index].as_ref()
    }
}

/// Matches by path. It knows its routes by themselves, and not by their positions in a configuration, so it outlives
/// configurations in which they stay.
///
/// With thousands of hosts the processor's caches hold no index. Then a lookup costs what it touches, so the index of a
/// host with one match is one piece of memory, and asks nothing of the route that it can know itself.
#[derive(Debug)]
pub(crate) struct PathIndex {
    routes: Vec<Arc<Route>>,
    /// In the order of ranks.
    candidates: SmallVec<[Candidate; 1]>,
    exact: HashMap<Box<[u8]>, MatchList>,
    /// A trie of path segments; the first node is the root.
    nodes: SmallVec<[Node; 1]>,
}

#[derive(Debug, Default)]
struct Node {
    parent: Option<usize>,
    children: HashMap<Box<[u8]>, usize>,
    prefixes: Level,
    /// Expressions whose literal prefix has these whole segments.
    regexes: Level,
}

/// The matches of a node, and what is known of those above it.
#[derive(Debug, Default)]
struct Level {
    list: MatchList,
    /// The lowest position here and in every node above.
    first: Position,
}

impl PathIndex {
    /// Indexes routes; matches of equal rank keep their order.
    pub fn new(routes: Vec<Arc<Route>>) -> Self {
        let mut candidates: SmallVec<[Candidate; 1]> =
            (0..routes.len()).flat_map(|route| candidates(route, &routes[route])).collect();
        candidates.sort_by_key(|candidate| candidate.get(&routes).map(|found| &found.rank));
        let mut index =
            Self { routes: Vec::new(), candidates, exact: HashMap::new(), nodes: smallvec![Node::default()] };
        for position in 0..index.candidates.len() {
            if let Some(found) = index.candidates[position].get(&routes) {
                index.insert(position, found);
            }
        }
        index.routes = routes;
        index.note_first();
        index
    }

    /// Whether it is an index of these very routes.
    pub fn is_of(&self, routes: &[Arc<Route>]) -> bool {
        self.routes.len() == routes.len()
            && self.routes.iter().zip(routes).all(|(own, other)| Arc::ptr_eq(own, other))
    }

    fn insert(&mut self, position: Position, found: &Match) {
        match &found.path {
            PathMatch::Exact(path) => self.exact.entry(path.clone()).or_default().push(position, found),
            PathMatch::Prefix(prefix) => {
                let node = self.node(prefix);
                self.nodes[node].prefixes.list.push(position, found);
            }
            PathMatch::Regex(pattern) => {
                let node = self.node(whole_segments(pattern.prefix()));
                self.nodes[node].regexes.list.push(position, found);
            }
        }
    }

    /// The match of the lowest position that fits.
    pub fn find<H: Headers + ?Sized>(&self, selection: &mut Selection<'_, H>) -> Option<Candidate> {
        let path = selection.path;
        let mut asked = Request { index: self, selection };
        let deepest = self.deepest(path);
        let mut best = self.candidates.len();
        if let Some(exact) = self.exact.get(path) {
            best = exact.lowest(best, &mut asked);
        }
        best = self.climb(deepest, best, &mut asked, |node| &node.prefixes);
        best = self.climb(deepest, best, &mut asked, |node| &node.regexes);
        self.candidates.get(best).copied()
    }

    /// The lowest position below `best` whose match fits, in a node or above it, else `best`.
    fn climb(
        &self,
        from: usize,
        mut best: Position,
        asked: &mut impl Asked,
        level: impl Fn(&Node) -> &Level,
    ) -> Position {
        for level in self.upwards(from).map(level) {
            if level.first >= best {
                break;
            }
            best = level.list.lowest(best, asked);
        }
        best
    }

    /// Lets each node know what is above it. Parents stand before their children.
    fn note_first(&mut self) {
        for index in 0..self.nodes.len() {
            let above = self.nodes[index].parent.map_or((Position::MAX, Position::MAX), |parent| {
                (self.nodes[parent].prefixes.first, self.nodes[parent].regexes.first)
            });
            let node = &mut self.nodes[index];
            node.prefixes.first = node.prefixes.list.first().min(above.0);
            node.regexes.first = node.regexes.list.first().min(above.1);
        }
    }

    /// The node of a path without a slash at its end, made where there is none.
    fn node(&mut self, path: &[u8]) -> usize {
        let mut node = 0;
        for segment in segments(path) {
            let next = self.nodes.len();
            let child = *self.nodes[node].children.entry(segment.into()).or_insert(next);
            if child == next {
                self.nodes.push(Node { parent: Some(node), ..Node::default() });
            }
            node = child;
        }
        node
    }

    /// The last node on the way along a path.
    fn deepest(&self, path: &[u8]) -> usize {
        let mut node = 0;
        for segment in segments(path) {
            match self.nodes.get(node).and_then(|node| node.children.get(segment)) {
                Some(child) => node = *child,
                None => break,
            }
        }
        node
    }

    /// A node and those above it, up to the root.
    fn upwards(&self, from: usize) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.nodes.get(from), |node| self.nodes.get(node.parent?))
    }
}

/// A request, compared with the matches of an index.
struct Request<'a, 'b, H: ?Sized> {
    index: &'a PathIndex,
    selection: &'a mut Selection<'b, H>,
}

impl<H: Headers + ?Sized> Asked for Request<'_, '_, H> {
    fn method(&self) -> &[u8] {
        self.selection.request.method
    }

    fn value(&mut self, part: Part, name: &[u8]) -> Option<&[u8]> {
        self.selection.value(part, name)
    }

    fn note(&mut self, part: Part, names: &Names) -> usize {
        self.selection.note(part, names)
    }

    fn noted(&mut self, part: Part, names: &Names, index: usize) -> Option<(usize, &[u8])> {
        self.selection.noted(part, names, index)
    }

    fn fits(&mut self, position: Position) -> bool {
        let candidate = &self.index.candidates[position];
        candidate.is_path_alone
            || candidate.get(&self.index.routes).is_some_and(|found| self.selection.fits_beside_index(found))
    }
}

/// The sound matches of a route.
fn candidates(index: usize, route: &Route) -> impl Iterator<Item = Candidate> {
    route.rules.iter().enumerate().flat_map(move |(rule, record)| {
        let outcome = Outcome::of(record);
        let sound = record.matches.iter().enumerate();
        sound.filter_map(move |(match_index, found)| {
            let is_path_alone = is_path_alone(found.as_ref()?);
            Some(Candidate { route: index, rule, match_index, outcome, is_path_alone })
        })
    })
}

/// The segments of a path that is empty or begins with a slash.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').skip(1)
}

/// The part of a literal prefix that ends before a slash: what follows may be a part of a segment.
fn whole_segments(prefix: &[u8]) -> &[u8] {
    let end = prefix.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    if prefix.starts_with(b"/") { &prefix[..end] } else { b"" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_hangs_below_its_whole_segments() {
        let table = [("/api/v", "/api"), ("/api/", "/api"), ("/api", ""), ("/", ""), ("", ""), ("x/y", "")];
        for (prefix, node) in table {
            assert_eq!(whole_segments(prefix.as_bytes()), node.as_bytes(), "{prefix}");
        }
    }

    #[test]
    fn a_slash_at_the_end_is_an_empty_segment() {
        let found = |path: &str| segments(path.as_bytes()).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(found(""), Vec::<Vec<u8>>::new());
        assert_eq!(found("/"), [b""]);
        assert_eq!(found("/a//b/"), [&b"a"[..], b"", b"b", b""]);
    }
}
