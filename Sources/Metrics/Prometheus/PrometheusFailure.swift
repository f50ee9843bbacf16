import Analysis
import Model

/// What people are told of a question without a value: whom it is for to mend, and how.
struct PrometheusFailure {
  var store: String
  var reply: PrometheusStore.Reply
  var query: String

  /// Nil beside a value. That there is no data is told too: it may be a mistake in the query.
  var failure: Failure? {
    switch reply.answer.reading {
    case .value: nil
    case .noData(let reason): noData(reason)
    case .error(let reason): error(reason)
    }
  }

  private func noData(_ reason: String) -> Failure {
    make(
      .waiting,
      reason == "nan"
        ? "\(store) answers NaN: there was no traffic"
        : "\(store) has no such series, or they saw no traffic",
      "if there should be some, look whether the service exports it, and under these labels")
  }

  private func error(_ reason: String) -> Failure {
    switch reason {
    case "query" where reply.status == 404 || reply.status == 405:
      make(
        .configuration, "\(store) has no query API there",
        "check the store's url: Grafana Cloud's ends in /api/prom, Mimir's in /prometheus")
    case "query": make(.configuration, "\(store) refuses the query", "correct the query")
    case "auth":
      make(
        .authentication, "\(store) does not accept the credentials",
        "check the secret of the store's `auth`, and `tenant` for Mimir; Grafana Cloud wants the instance's id as user and a token with metrics:read"
      )
    case "not_finite":
      make(
        .configuration, "\(store) answers infinity: the query divides by zero",
        "divide by something that is there whenever the rest is")
    case "multiple_series":
      make(
        .configuration, "\(store) answers several series where one number is wanted",
        "put sum(…) around the query")
    case "result_type":
      make(
        .configuration, "\(store) answers with something that is no number",
        "let the query be a scalar or one series at one moment: rate(…[5m]), not …[5m]")
    case "malformed":
      make(
        .failed, "\(store) answers with something else than a query API, perhaps a sign-in page",
        "check the store's url and `auth`")
    case "timeout":
      make(.timeout, "\(store) did not answer in time", "see what the store does, or raise `timeout`")
    case "unreachable":
      make(.configuration, "\(store) cannot be reached", "check the store's url and its certificate")
    default:
      make(.failed, "\(store) has trouble", "see what the store does; the next round asks again")
    }
  }

  private func make(_ kind: Failure.Kind, _ what: String, _ hint: String) -> Failure {
    let tries = reply.attempts > 1 ? " (asked \(reply.attempts) times)" : ""
    return Failure(
      kind, what + tries, place: "query \(query.prefix(300))", cause: isAnswer ? nil : reply.words, hint: hint
    )
  }

  /// Its words then are the data.
  private var isAnswer: Bool { reply.status.map { (200..<300).contains($0) } ?? false }
}
