/// Which child a readiness report is about, and which part of it.
struct PollToken: Equatable {
  enum Part: UInt64 {
    case exit, input, output, error
  }

  let rawValue: UInt64

  init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  init(child: UInt64, _ part: Part) {
    rawValue = child << 2 | part.rawValue
  }

  var child: UInt64 { rawValue >> 2 }

  var part: Part { Part(rawValue: rawValue & 3) ?? .exit }
}
