//! Two prices of one meter that can apply to one call and look at as many facts: which is meant is not said.

use super::Look;
use crate::types::{Calendar, Conditions, Hours, OfferPrice, Range};

/// Looks at the prices of each meter, two by two.
pub(super) fn look(look: &mut Look<'_>) {
    let prices = look.prices.clone();
    for (place, left) in prices.iter().enumerate() {
        for right in &prices[place + 1..] {
            if is_ambiguous(left, right) && !prices.iter().any(|other| settles(other, left, right)) {
                let when = |price: &OfferPrice| match price.conditions.canonical() {
                    always if always.is_empty() => "always".to_owned(),
                    conditions => conditions,
                };
                let detail = format!(
                    "{} costs {} ({}) and {} ({}), which both look at as many facts and can apply to one call",
                    left.pricing_type,
                    left.unit_price,
                    when(left),
                    right.unit_price,
                    when(right)
                );
                look.find("ambiguous", detail);
            }
        }
    }
}

fn is_ambiguous(left: &OfferPrice, right: &OfferPrice) -> bool {
    let group = |price: &OfferPrice| price.modifier.as_ref().map(|modifier| modifier.group.clone());
    let is_one_slot =
        left.pricing_type == right.pricing_type && left.basis == right.basis && group(left) == group(right);
    let is_same_amount = left.unit_price == right.unit_price && left.unit == right.unit;
    // Surcharges under different conditions are added to each other; that is what they are for.
    let is_added = left.basis == crate::types::Basis::Surcharge && left.conditions != right.conditions;
    // Of two prices under the same conditions, the newer one is meant.
    let is_newer = left.conditions == right.conditions && left.effective_date != right.effective_date;
    is_one_slot
        && !is_same_amount
        && !is_added
        && !is_newer
        && left.conditions.scale == right.conditions.scale
        && left.conditions.weight() == right.conditions.weight()
        && meet_in_time(left, right)
        && can_meet(&left.conditions, &right.conditions)
}

/// Returns whether a third price looks at more facts than two others and applies wherever they meet, so that it is the one meant.
fn settles(third: &OfferPrice, left: &OfferPrice, right: &OfferPrice) -> bool {
    let (one, other) = (&left.conditions, &right.conditions);
    let is_of_them = third.pricing_type == left.pricing_type
        && third.basis == left.basis
        && third.conditions.scale == one.scale
        && third.conditions.weight() > one.weight();
    let sides = [one, other];
    let choices = || {
        third.conditions.choices.iter().all(|(attribute, values)| {
            sides.iter().filter_map(|side| side.choices.get(attribute)).any(|wanted| wanted.is_subset(values))
        })
    };
    let ranges = || {
        third.conditions.ranges.iter().all(|(measure, range)| {
            is_everything(range)
                || sides.iter().filter_map(|side| side.ranges.get(measure)).any(|wanted| is_within(wanted, range))
        })
    };
    let calendar = || {
        let wanted = third.conditions.calendar.as_ref();
        wanted.is_none() || sides.iter().any(|side| side.calendar.as_ref() == wanted)
    };
    let lasts = || {
        let begins = left.effective_date.max(right.effective_date);
        let ends = [left.expiry_date, right.expiry_date].into_iter().flatten().min();
        third.effective_date <= begins && third.expiry_date.is_none_or(|expiry| ends.is_some_and(|end| end <= expiry))
    };
    is_of_them && choices() && ranges() && calendar() && lasts()
}

fn is_everything(range: &Range) -> bool {
    range.above.is_none()
        && range.up_to.is_none()
        && range.below.is_none()
        && range.from.is_none_or(|from| from.is_zero())
}

/// Returns whether a range lies inside another whose ends are of the same kinds.
fn is_within(inner: &Range, outer: &Range) -> bool {
    let lower = outer.above.is_none_or(|end| inner.above.is_some_and(|other| other >= end))
        && outer.from.is_none_or(|end| end.is_zero() || inner.above.or(inner.from).is_some_and(|other| other >= end));
    let upper = outer.below.is_none_or(|end| inner.below.is_some_and(|other| other <= end))
        && outer.up_to.is_none_or(|end| inner.up_to.or(inner.below).is_some_and(|other| other <= end));
    lower && upper
}

/// Returns whether two prices are in force at one instant.
pub(super) fn meet_in_time(left: &OfferPrice, right: &OfferPrice) -> bool {
    let begins_before_end = |one: &OfferPrice, other: &OfferPrice| {
        one.effective_date.zip(other.expiry_date).is_none_or(|(from, until)| from < until)
    };
    begins_before_end(left, right) && begins_before_end(right, left)
}

/// Returns whether one call can meet both conditions. Calendars that cannot be told apart may.
fn can_meet(left: &Conditions, right: &Conditions) -> bool {
    let ranges =
        left.ranges.iter().all(|(measure, range)| right.ranges.get(measure).is_none_or(|other| overlap(range, other)));
    let choices = left
        .choices
        .iter()
        .all(|(attribute, values)| right.choices.get(attribute).is_none_or(|others| !values.is_disjoint(others)));
    let calendars = match (&left.calendar, &right.calendar) {
        (Some(left), Some(right)) => share_an_instant(left, right),
        _ => true,
    };
    ranges && choices && calendars
}

fn overlap(left: &Range, right: &Range) -> bool {
    let ends_before = |one: &Range, other: &Range| match (one.up_to.or(one.below), other.above.or(other.from)) {
        (Some(end), Some(start)) => end < start || (end == start && (one.below.is_some() || other.above.is_some())),
        _ => false,
    };
    !ends_before(left, right) && !ends_before(right, left)
}

fn share_an_instant(left: &Calendar, right: &Calendar) -> bool {
    if left.time_zone != right.time_zone || left.at != right.at {
        return true;
    }
    let days = left.weekdays.is_empty()
        || right.weekdays.is_empty()
        || !left.weekdays.is_disjoint(&right.weekdays)
        // A day that counts whatever its weekday may be one of the other's.
        || !left.included_dates.iter().all(|date| right.excluded_dates.contains(date))
        || !right.included_dates.iter().all(|date| left.excluded_dates.contains(date));
    let hours = left.hours.is_empty()
        || right.hours.is_empty()
        || left.hours.iter().any(|one| right.hours.iter().any(|other| hours_meet(*one, *other)));
    days && hours
}

fn hours_meet(left: Hours, right: Hours) -> bool {
    let within = |hours: Hours, time| {
        if hours.from < hours.until {
            hours.from <= time && time < hours.until
        } else {
            time >= hours.from || time < hours.until
        }
    };
    within(left, right.from) || within(right, left.from)
}
