import Analysis
import Model

extension RolloutResult {
  /// What the round came to, for people.
  package var words: String {
    switch outcome {
    case .notBegun: "it was never begun: a deploy begins it, or shipit rollout start"
    case .over: "nothing to do: it is over"
    case .skippedClock: "nothing was done: this machine's clock is behind"
    case .waits(let why): Self.words(why)
    case .waitsForStore: "waits for an approval in the flag's store"
    case .raised(nil, let to): "begun with \(to), read back"
    case .raised(let from?, let to): "raised from \(from) to \(to), read back"
    case .completed: "complete: everybody has it"
    case .paused(let why):
      "paused: " + (record?.pause?.reason ?? Self.words(why))
    case .rolledBack: "switched off: \(record?.end?.summary ?? "")"
    case .halted: "ended: \(record?.end?.summary ?? "the flag was changed")"
    case .cured: "with the flag off the metric is good again"
    case .notCured: "with the flag off the metric is not good: the code has to go back too"
    case .troubled: "nothing was changed by this round"
    }
  }

  private static func words(_ wait: TickAction.Wait) -> String {
    switch wait {
    case .bake: "waits: good time is still to be earned"
    case .approval: "waits for a person's approval"
    case .window: "waits for its window"
    case .paused: "waits: it is paused"
    case .resumed: "goes on: every gate can be read again"
    case .initialDelay: "waits for the first readings"
    }
  }

  private static func words(_ pause: TickAction.Pause) -> String {
    switch pause {
    case .person: "by a person"
    case .drift: "somebody else changed the flag"
    case .blind: "the metrics cannot be read"
    case .inconclusive: "neither good nor bad for too long"
    case .deadline: "the step takes too long"
    case .noData: "there is no data"
    }
  }
}
