//! For how long a policy keeps responses.

/// For how long responses are fresh, and may be used after that. All durations are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshnessPolicy {
    /// The targeted fields that stand in the place of Cache-Control and Expires, the first one that is
    /// sound (RFC 9213 section 2.2). Default: `Varnish-Gateway-Cache-Control`, `CDN-Cache-Control`.
    pub targeted: Vec<Box<[u8]>>,
    /// Lifetimes by status. The first rule that has the status counts. Default: none.
    pub statuses: Vec<StatusRule>,
    /// The lifetime of a response that says nothing of it, where neither a rule for its status nor the
    /// heuristic says anything, and the status is one that may be kept all the same (RFC 9110
    /// section 15.1). Default: none, so that it is not kept.
    pub default: Option<u32>,
    /// The lifetime that is guessed from Last-Modified (RFC 9111 section 4.2.2). Default: a tenth, and at
    /// most an hour.
    pub heuristic: Option<Heuristic>,
    /// The least that the origin can say. It holds for statuses below 400. Default: no bound.
    pub min: Option<u32>,
    /// The most that the origin can say. Default: no bound.
    pub max: Option<u32>,
    /// For how long a stale response is used while a new one is fetched (RFC 5861 section 3).
    pub stale_while_revalidate: StaleWindow,
    /// For how long a stale response is used where the origin fails (RFC 5861 section 4).
    pub stale_if_error: StaleWindow,
    /// Whether an origin that says `s-maxage` and a time of RFC 5861 beside it means the latter. By the
    /// letter of RFC 9111 section 5.2.2.10, `s-maxage` forbids all stale responses. Default: no.
    pub stale_with_s_maxage: bool,
    /// For how long a response is kept after that, only to ask the origin whether it has changed (RFC 9111
    /// section 4.3). Default: an hour.
    pub keep: u32,
}

impl Default for FreshnessPolicy {
    fn default() -> Self {
        Self {
            targeted: vec![
                b"varnish-gateway-cache-control".as_slice().into(),
                b"cdn-cache-control".as_slice().into(),
            ],
            statuses: Vec::new(),
            default: None,
            heuristic: Some(Heuristic { percent: 10, max: 3600 }),
            min: None,
            max: None,
            stale_while_revalidate: StaleWindow::default(),
            stale_if_error: StaleWindow::default(),
            stale_with_s_maxage: false,
            keep: 3600,
        }
    }
}

impl FreshnessPolicy {
    /// Whether a stale response can be used at all where the origin fails: by the policy, or as the origin may say.
    pub fn stale_if_error_is_possible(&self) -> bool {
        self.stale_if_error.r#override != Some(0) && self.stale_if_error.max != Some(0)
    }
}

/// A lifetime for statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRule {
    /// Which statuses.
    pub statuses: Statuses,
    /// The lifetime; 0 for responses that are not to be kept.
    pub ttl: u32,
    /// How strong it is.
    pub mode: Mode,
}

/// How strong a policy's lifetime is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It holds where the origin says nothing.
    Default,
    /// It holds whatever lifetime the origin says. What the origin forbids stays forbidden.
    Override,
    /// It also holds against `no-store`, `private`, `no-cache` and what forbids stale responses. A shared
    /// cache must not do so (RFC 9111 section 5.2.2), unless it acts for the origin.
    Force,
}

impl Mode {
    /// Its name, as a policy has it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Default => "Default",
            Mode::Override => "Override",
            Mode::Force => "Force",
        }
    }
}

/// One status, or a class of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statuses {
    /// This one.
    Code(u16),
    /// All that begin with this digit.
    Class(u8),
}

impl Statuses {
    /// Whether the status is one of them.
    pub fn contain(self, status: u16) -> bool {
        match self {
            Statuses::Code(code) => code == status,
            Statuses::Class(class) => u16::from(class) == status / 100,
        }
    }
}

/// How a lifetime is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heuristic {
    /// How many hundredths of the time since the last modification.
    pub percent: u8,
    /// At most so many seconds.
    pub max: u32,
}

/// For how long a stale response may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StaleWindow {
    /// Where the origin neither says nor forbids anything. It holds for statuses below 500. Default: 0.
    pub default: u32,
    /// The most that the origin can say. Default: no bound.
    pub max: Option<u32>,
    /// In place of what the origin says, unless it forbids stale responses. Default: none.
    pub r#override: Option<u32>,
}
