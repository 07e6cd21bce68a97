//! What a lookup costs while much has been invalidated.

use std::hash::{Hash, Hasher};
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ghost_invalidation::{Asked, Generation, Invalidation, Label, Subject, Table};

struct Request;

impl Asked for Request {
    fn namespace(&self) -> &str {
        "shop"
    }
    fn route(&self) -> &str {
        "web"
    }
    fn has_policy(&self, _: &str) -> bool {
        false
    }
    fn urls(&self) -> impl Iterator<Item = (&[u8], &[u8], Option<&[u8]>)> {
        [(&b"shop.example"[..], &b"/images/1234.jpg"[..], None)].into_iter()
    }
    fn comparison(&self) -> u64 {
        0
    }
    fn hash_query(&self, query: Option<&[u8]>, hasher: &mut impl Hasher) {
        query.hash(hasher);
    }
}

fn table(count: usize) -> Table {
    let table = Table::new(usize::MAX);
    for number in 0..count {
        for subject in [
            Subject::Tag(format!("tag-{number}").into_bytes().into()),
            Subject::Url {
                host: b"shop.example"[..].into(),
                path: format!("/page/{number}").into_bytes().into(),
                query: None,
            },
            // Of the path that is asked for.
            Subject::Url {
                host: b"shop.example"[..].into(),
                path: b"/images/1234.jpg"[..].into(),
                query: Some(format!("size={number}").into_bytes().into()),
            },
            Subject::Prefix {
                host: b"shop.example"[..].into(),
                prefix: format!("/section/{number}/").into_bytes().into(),
            },
        ] {
            table.invalidate(
                &Invalidation { namespace: "shop".into(), subject, soft: false, by_request: false },
                0.0,
                f64::MAX,
            );
        }
    }
    table
}

fn lookup(criterion: &mut Criterion) {
    for count in [0, 1, 1_000, 100_000] {
        let table = table(count);
        criterion.bench_function(&format!("request, {count} of each kind"), |bencher| {
            bencher.iter(|| black_box(table.stamp(&Request)));
        });
        let tags: [&[u8]; 3] = [b"tag-of-nobody", b"product-7", b"category-9"];
        criterion.bench_function(&format!("three tags, {count} of each kind"), |bencher| {
            bencher.iter(|| {
                black_box(
                    table.of_labels("shop", Generation(0), || black_box(tags).into_iter().map(Label::Tag)),
                )
            });
        });
    }
}

criterion_group!(benches, lookup);
criterion_main!(benches);
