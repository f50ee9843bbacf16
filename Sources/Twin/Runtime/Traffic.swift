/// What one deployment answered, as Prometheus counts it.
struct Traffic: Sendable {
  private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

  /// On each series, in this order.
  private var labels: [(name: String, value: String)]
  private var codes: [Int: Int]
  private var buckets = [Int](repeating: 0, count: bounds.count + 1)
  private var seconds = 0.0

  /// What a service would export from its start: 0, so that the first answer is seen as a rise.
  init(_ labels: [(name: String, value: String)]) {
    self.labels = labels
    codes = [200: 0, 500: 0]
  }

  mutating func add(_ status: Int, took: Double) {
    codes[status, default: 0] += 1
    seconds += took
    for (index, bound) in (Self.bounds + [.infinity]).enumerated() where took <= bound { buckets[index] += 1 }
  }

  /// All of them as one exposition in Prometheus' text format.
  static func exposition(_ all: [Traffic]) -> String {
    var lines = [
      "# HELP http_requests_total Answers of running services.", "# TYPE http_requests_total counter",
    ]
    for traffic in all {
      for (code, count) in traffic.codes.sorted(by: { $0.key < $1.key }) {
        lines.append("http_requests_total{\(traffic.written),code=\"\(code)\"} \(count)")
      }
    }
    let name = "http_request_duration_seconds"
    lines += ["# HELP \(name) Until the head of the answer.", "# TYPE \(name) histogram"]
    for traffic in all {
      for (bound, count) in zip(bounds.map { "\($0)" } + ["+Inf"], traffic.buckets) {
        lines.append("\(name)_bucket{\(traffic.written),le=\"\(bound)\"} \(count)")
      }
      lines.append("\(name)_sum{\(traffic.written)} \(traffic.seconds)")
      lines.append("\(name)_count{\(traffic.written)} \(traffic.buckets.last ?? 0)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var written: String {
    labels.map { label in
      let value = label.value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
        "\n", with: "\\n")
      return "\(label.name)=\"\(value)\""
    }.joined(separator: ",")
  }
}
