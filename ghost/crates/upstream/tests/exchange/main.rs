//! Exchanges with scripted backends over loopback.

mod abandoned;
mod answers;
mod backend;
mod client;
mod failover;
mod received;
mod reload;
mod reuse;
mod spliced;
mod surplus;
mod threads;
mod timeouts;
mod upload;
