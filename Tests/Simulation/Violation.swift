/// What DESIGN §10 promises, and what the order of the journal and the limits of a run need to keep it.
enum Promise: String, Sendable {
  case finishedOnce = "1, a finished step is never executed again"
  case probedFirst = "2, what is not known is looked up before anything else is done"
  case oneHolder = "3, one holder acts at a time"
  case truth = "4, what is said to be live is live"
  case secrets = "5, no secret leaves but to its target"
  case neverBack = "6, an older commit never replaces a newer one unasked"
  case cancelled = "7, a cancelled run ends in time"
  case announced = "8, a rollback touches what it announced, in that order"
  case bounded = "every run comes to its end, in its time"
}

/// A promise that was broken, with what happened.
struct Violation: Error, CustomStringConvertible {
  let promise: Promise
  let words: String

  init(_ promise: Promise, _ words: String) {
    self.promise = promise
    self.words = words
  }

  var description: String { "promise \(promise.rawValue): \(words)" }
}
