//! The dialect of regular expressions that RE2, Go and Rust share.
//!
//! Some texts mean one thing to the operator's Go and another to Rust. An expression that holds one of them
//! is refused, so that it is reported instead of being matched differently from what its author tried out.

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassSetBinaryOp, ClassSetBinaryOpKind, ClassSetItem, Flag, Flags,
    FlagsItemKind, Visitor,
};

/// Checks an expression that Rust can read.
///
/// # Errors
/// What in it another reader takes for something else.
pub(crate) fn check(source: &str, nesting: u32) -> Result<(), String> {
    match ParserBuilder::new().nest_limit(nesting).build().parse(source) {
        Ok(parsed) => ast::visit(&parsed, Differences),
        Err(err) => Err(err.kind().to_string()),
    }
}

/// Fails at the first difference.
struct Differences;

impl Visitor for Differences {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::Assertion(assertion) => check_assertion(&assertion.kind),
            Ast::Flags(set) => check_flags(&set.flags),
            Ast::Group(group) => group.flags().map_or(Ok(()), check_flags),
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), String> {
        match item {
            ClassSetItem::Bracketed(_) => {
                Err(r"[ within a class is not the same to every reader: write \[".into())
            }
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, op: &ClassSetBinaryOp) -> Result<(), String> {
        let operator = match op.kind {
            ClassSetBinaryOpKind::Intersection => "&&",
            ClassSetBinaryOpKind::Difference => "--",
            ClassSetBinaryOpKind::SymmetricDifference => "~~",
        };
        Err(format!("{operator} within a class is not the same to every reader"))
    }
}

fn check_assertion(kind: &AssertionKind) -> Result<(), String> {
    match kind {
        AssertionKind::WordBoundaryStartAngle | AssertionKind::WordBoundaryEndAngle => {
            Err(r"\< and \> are not the same to every reader: write < and >".into())
        }
        AssertionKind::WordBoundaryStart
        | AssertionKind::WordBoundaryEnd
        | AssertionKind::WordBoundaryStartHalf
        | AssertionKind::WordBoundaryEndHalf => Err(r"\b{...} is not the same to every reader".into()),
        _ => Ok(()),
    }
}

fn check_flags(flags: &Flags) -> Result<(), String> {
    let shared = |item: &ast::FlagsItem| {
        !matches!(item.kind, FlagsItemKind::Flag(Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace))
    };
    if flags.items.iter().all(shared) {
        return Ok(());
    }
    Err("the flags x, u and R are not the same to every reader".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_take_for_different_things_is_refused() {
        for source in [
            "[a&&b]",
            "[a--b]",
            "[a~~b]",
            "[a[b]]",
            "[a[^b]]",
            r"\<a",
            r"a\>",
            r"\b{start}a",
            "(?x) a",
            "(?-u:a)",
            "(?R:a)",
        ] {
            let reason = check(source, 10).unwrap_err();
            assert!(reason.contains("not the same to every reader"), "{source}: {reason}");
        }
    }

    #[test]
    fn what_all_readers_agree_on_passes() {
        for source in [
            "[[:alpha:]_]",
            r"[\[\]&a-]",
            r"\ba\b",
            "^a$",
            "[^a-z]",
            r"[a\-b]",
            "a|b",
            "<a>",
            "(?i)a",
            "(?s-m:.)",
            "(?U)a+",
        ] {
            assert_eq!(check(source, 10), Ok(()), "{source}");
        }
    }
}
