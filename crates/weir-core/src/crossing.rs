//! Frames that pass the filter more than once: teams, virtual switches and other multiplexing drivers put
//! adapters on top of each other, and the filter may sit on several of them.
//!
//! Such a frame belongs to one flow, and is one frame of it. So it is counted, charged to a rate limit and copied
//! to the tap where it comes first: a frame that is sent at the highest adapter, one that is received at the
//! lowest. Verdicts hold at each adapter, for a rule may name any of them.
//!
//! Which adapters lie above each other is in the interface stack table (RFC 2863, ifStackTable), in which
//! multiplexing drivers must enter themselves. A flow record remembers, for each direction, the [`Seat`] that
//! counted last: when that is one which the frame has passed by now, then it is counted.

use core::sync::atomic::{AtomicU16, Ordering};

use crate::Direction;

/// Interfaces found in one walk, and neighbours kept of a seat.
const MOST: usize = 64;

/// A row of the interface stack table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Index of the interface that lies on the other, 0 for none.
    pub higher: u32,
    /// Index of the interface below it, 0 for none.
    pub lower: u32,
}

/// Ways through the interface stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Climb {
    /// To what lies above.
    Up,
    /// To what lies below.
    Down,
}

/// The interfaces above or below one, itself included.
#[derive(Debug)]
pub struct Reach {
    found: [u32; MOST],
    count: usize,
}

impl Reach {
    /// Follows `layers` from the interface `index`. Loops end, and so does what is deeper than it can be.
    #[must_use]
    pub fn new(layers: impl Iterator<Item = Layer> + Clone, index: u32, climb: Climb) -> Self {
        let mut reach = Self { found: [0; MOST], count: 0 };
        reach.add(index);
        let mut next = 0;
        while let Some(from) = reach.found.get(next).copied().filter(|_| next < reach.count) {
            for layer in layers.clone() {
                let (near, far) = match climb {
                    Climb::Up => (layer.lower, layer.higher),
                    Climb::Down => (layer.higher, layer.lower),
                };
                if near == from {
                    reach.add(far);
                }
            }
            next += 1;
        }
        reach
    }

    fn add(&mut self, index: u32) {
        if index != 0
            && !self.contains(index)
            && let Some(place) = self.found.get_mut(self.count)
        {
            *place = index;
            self.count += 1;
        }
    }

    /// Whether the interface is one of them.
    #[must_use]
    pub fn contains(&self, index: u32) -> bool {
        self.found.iter().take(self.count).any(|found| *found == index)
    }
}

/// Numbers of seats, the first ones of the array.
#[derive(Debug)]
struct Neighbours([AtomicU16; MOST]);

impl Neighbours {
    fn is_empty(&self) -> bool {
        let Self([first, ..]) = self;
        first.load(Ordering::Relaxed) == 0
    }

    const fn new() -> Self {
        Self([const { AtomicU16::new(0) }; MOST])
    }

    fn contains(&self, number: u16) -> bool {
        self.0
            .iter()
            .map(|cell| cell.load(Ordering::Relaxed))
            .take_while(|other| *other != 0)
            .any(|n| n == number)
    }

    /// More than there is room for are left out.
    fn set(&self, numbers: impl Iterator<Item = u16>) {
        let ended = numbers.map(Some).chain(core::iter::repeat(None));
        for (cell, number) in self.0.iter().zip(ended) {
            cell.store(number.unwrap_or(0), Ordering::Relaxed);
        }
    }
}

/// A place at which frames are inspected: the filter on one adapter.
///
/// Changes are for one caller at a time, while frames may be on their way. A frame that meets a change may be counted
/// twice, or not.
#[derive(Debug)]
pub struct Seat {
    number: AtomicU16,
    above: Neighbours,
    below: Neighbours,
}

impl Seat {
    /// True when no frame passes this seat and another one.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.above.is_empty() && self.below.is_empty()
    }

    /// One without a number: it counts every frame.
    #[must_use]
    pub const fn new() -> Self {
        Self { number: AtomicU16::new(0), above: Neighbours::new(), below: Neighbours::new() }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number.load(Ordering::Relaxed)
    }

    /// Gives it a number, which no other seat has and, as far as possible, none had before.
    pub fn set_number(&self, number: u16) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// Says which seats lie above and below. Only those that inspect frames: what passes others is not counted there.
    pub fn set_neighbours(&self, above: impl Iterator<Item = u16>, below: impl Iterator<Item = u16>) {
        self.above.set(above);
        self.below.set(below);
    }

    /// Forgets a seat that inspects no frames any more.
    pub fn forget(&self, number: u16) {
        for neighbours in [&self.above, &self.below] {
            if neighbours.contains(number) {
                let others = neighbours.0.iter().map(|cell| cell.load(Ordering::Relaxed));
                let mut left = [0; MOST];
                for (to, from) in left.iter_mut().zip(others.filter(|other| ![0, number].contains(other))) {
                    *to = from;
                }
                neighbours.set(left.into_iter().take_while(|other| *other != 0));
            }
        }
    }

    /// Whether a frame that comes here on its way has passed seat `number`.
    #[must_use]
    pub fn comes_after(&self, number: u16, direction: Direction) -> bool {
        match direction {
            Direction::Send => self.above.contains(number),
            Direction::Receive => self.below.contains(number),
        }
    }
}

impl Default for Seat {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn on(higher: u32, lower: u32) -> Layer {
        Layer { higher, lower }
    }

    #[test]
    fn walks_go_all_the_way_and_end() {
        // Adapters 1 and 2 with a filter each (11, 12) below a team 3, on which a switch 4 lies; 9 is alone.
        let layers = [on(0, 4), on(4, 3), on(3, 11), on(11, 1), on(3, 12), on(12, 2), on(1, 0), on(0, 9)];
        let reach = |index, climb| Reach::new(layers.iter().copied(), index, climb);
        let found = |reach: Reach| (1..13).filter(|index| reach.contains(*index)).collect::<Vec<u32>>();
        assert_eq!(found(reach(1, Climb::Up)), [1, 3, 4, 11]);
        assert_eq!(found(reach(4, Climb::Down)), [1, 2, 3, 4, 11, 12]);
        assert_eq!(found(reach(9, Climb::Up)), [9]);
        assert!(!reach(9, Climb::Down).contains(0));
        let circle = [on(1, 2), on(2, 3), on(3, 1)];
        assert_eq!(found(Reach::new(circle.iter().copied(), 2, Climb::Up)), [1, 2, 3]);
        let deep = (1..1000).map(|index| on(index + 1, index));
        assert_eq!(found(Reach::new(deep, 990, Climb::Down)), [] as [u32; 0]);
    }

    #[test]
    fn neighbours_come_and_go() {
        let seat = Seat::new();
        seat.set_neighbours([7, 8, 9].into_iter(), [3].into_iter());
        assert!(seat.comes_after(8, Direction::Send) && !seat.comes_after(8, Direction::Receive));
        assert!(seat.comes_after(3, Direction::Receive) && !seat.comes_after(3, Direction::Send));
        seat.forget(8);
        seat.forget(3);
        seat.forget(77);
        assert!(seat.comes_after(7, Direction::Send) && seat.comes_after(9, Direction::Send));
        assert!(!seat.comes_after(8, Direction::Send) && !seat.comes_after(3, Direction::Receive));
        assert!(!seat.comes_after(0, Direction::Send), "0 is nobody");
        // Most of a crowd is known.
        seat.set_neighbours(1..500, core::iter::empty());
        assert!(seat.comes_after(64, Direction::Send) && !seat.comes_after(65, Direction::Send));
    }
}
