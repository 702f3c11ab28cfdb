//! What a provider does with one request.

use super::body::{Body, Kind};
use super::delivery::{Delivery, End};
use super::format::Format;
use super::random::Random;

/// What a provider does with one request.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) status: u16,
    pub(crate) body: Body,
    pub(crate) delivery: Delivery,
}

/// What a provider did, as far as it came.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// It took the request, and broke off before it had told a status.
    BrokeOff,
    /// It took the request, and told no status until the client went.
    StayedSilent,
    /// It told a status that is none of success.
    Refused {
        /// Whether the whole refusal came.
        is_whole: bool,
    },
    /// It told success.
    Answered(Answered),
}

/// What followed a head of success.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate thing that is known of an answer")]
pub(crate) struct Answered {
    pub(crate) kind: Kind,
    pub(crate) may_be_free: bool,
    /// How many bytes of the body came.
    pub(crate) visible: usize,
    /// Whether the body ended as its framing says.
    pub(crate) is_ended: bool,
    /// Whether all of the body came.
    pub(crate) is_whole: bool,
    /// Whether some of an answer was told.
    pub(crate) is_produced: bool,
    /// Whether the provider said that it failed.
    pub(crate) has_failed: bool,
    /// Whether a reader must have read the whole answer, and that at once.
    pub(crate) must_be_read: bool,
}

const REFUSALS: [u16; 14] = [400, 401, 402, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529];

impl Script {
    /// Makes what happens to one attempt at a chat.
    pub(crate) fn of_chat(random: &mut Random, format: Format, is_streamed: bool) -> Self {
        match random.below(100) {
            0..=14 => Self::refusal(random, format),
            15..=34 => {
                let body = Body::plainest(random, format, is_streamed);
                let delivery = Delivery::faultless(random, 200, body.content_type, &body.bytes);
                Self { status: 200, body, delivery }
            }
            35 if is_streamed => Self::slow(random, format),
            36..=37 => Self::unanswered(random, format),
            _ => {
                let body = Body::random(random, format, is_streamed);
                let is_marked = is_streamed && body.is_events && body.complete_at.is_some();
                let delivery = Delivery::random(random, 200, body.content_type, &body.bytes, is_marked);
                Self { status: 200, body, delivery }
            }
        }
    }

    /// Makes what happens to one request of another kind.
    pub(crate) fn of_other(random: &mut Random, format: Format) -> Self {
        match random.below(100) {
            0..=19 => Self::refusal(random, format),
            20..=24 => Self::unanswered(random, format),
            _ => {
                let body = Body::of_another_kind(random);
                let delivery = Delivery::random(random, 200, body.content_type, &body.bytes, false);
                Self { status: 200, body, delivery }
            }
        }
    }

    fn refusal(random: &mut Random, format: Format) -> Self {
        let status = *random.pick(&REFUSALS);
        let text = match random.below(5) {
            0 => String::new(),
            1 => "<html><body>Bad Gateway</body></html>".to_owned(),
            2 => "no".to_owned(),
            _ => format.error(status).to_string(),
        };
        let mut body = Body::of_another_kind(random);
        body.words = format!("refused with {status}: {text:?}");
        body.content_type = Some("application/json");
        body.bytes = text.into_bytes();
        body.complete_at = None;
        let delivery = if random.chance(70) {
            Delivery::faultless(random, status, body.content_type, &body.bytes)
        } else {
            Delivery::random(random, status, body.content_type, &body.bytes, false)
        };
        Self { status, body, delivery }
    }

    /// Makes a stream that lives by its comments for longer than it may stay silent.
    fn slow(random: &mut Random, format: Format) -> Self {
        let mut body = Body::plainest(random, format, true);
        let comments = ": still thinking\n\n".repeat(6).into_bytes();
        body.words = format!("six comments, slowly, before {}", body.words);
        body.complete_at = body.complete_at.map(|at| at + comments.len());
        body.produced_at = body.produced_at.map(|at| at + comments.len());
        body.bytes.splice(0..0, comments);
        let mut delivery = Delivery::faultless(random, 200, body.content_type, &body.bytes);
        let step = delivery.bytes.len() / 7;
        delivery.pieces = (1..=6).map(|place| (place * step, 130)).collect();
        delivery.pieces.push((delivery.bytes.len(), 0));
        Self { status: 200, body, delivery }
    }

    fn unanswered(random: &mut Random, format: Format) -> Self {
        let body = Body::plainest(random, format, false);
        let mut delivery = Delivery::faultless(random, 200, body.content_type, &body.bytes);
        delivery.written = if random.chance(50) { 0 } else { random.place(delivery.head_length) };
        delivery.pieces = vec![(delivery.written, random.below(20))];
        delivery.end = *random.pick(&[End::Close, End::Reset, End::Silence, End::Silence]);
        Self { status: 200, body, delivery }
    }

    /// Tells what was done when so many bytes of it were written.
    pub(crate) fn deed(&self, written: usize, is_streamed: bool) -> Deed {
        let Self { status, body, delivery } = self;
        let is_cut_short = written < delivery.written;
        if !delivery.has_head(written) {
            return if delivery.end == End::Silence && !is_cut_short { Deed::StayedSilent } else { Deed::BrokeOff };
        }
        let visible = delivery.visible(written);
        let is_ended = !is_cut_short && delivery.is_ended(written);
        if *status != 200 {
            return Deed::Refused { is_whole: is_ended };
        }
        let is_whole = visible == body.bytes.len();
        let has = |place: Option<usize>| place.is_some_and(|place| visible >= place);
        // Only a stream says by itself that nothing more comes.
        let is_stream = is_streamed && body.is_events;
        let knows_the_end = has(body.complete_at) && (is_stream || delivery.end != End::Silence);
        let is_readable = body.expected.is_some() && !is_cut_short;
        Deed::Answered(Answered {
            kind: body.kind,
            may_be_free: body.may_be_free,
            visible,
            is_ended,
            is_whole,
            is_produced: has(body.produced_at),
            has_failed: has(body.failed_at),
            must_be_read: is_readable && ((is_ended && is_whole) || knows_the_end),
        })
    }

    /// Tells it to people: what was to be written, and the bytes.
    pub(crate) fn words(&self) -> String {
        let bytes = self.delivery.bytes.get(..self.delivery.written).unwrap_or_default();
        format!("{}; {}\n      bytes: {}", self.body.words, self.delivery.words(), bytes.escape_ascii())
    }
}
