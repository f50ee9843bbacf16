/// What to start, and with what.
package struct ProcessSpecification: Sendable {
  /// The program: a path when it holds a slash, else searched in `PATH` of `environment`.
  package var program: String
  package var arguments: [String]
  /// The whole environment of the child; nothing is inherited beyond it.
  package var environment: [String: String]
  package var directory: String?
  /// Bytes for standard input, then end of file. The one way to hand over a secret.
  package var input: [UInt8]
  /// A descriptor to read from instead; it stays the caller's.
  package var inputDescriptor: Int32?
  /// A descriptor to write to; it stays the caller's, and nothing of it is kept or told by lines.
  package var outputDescriptor: Int32?
  /// How it is stopped at the deadline or on cancellation.
  package var stop: StopLadder
  /// Longest output kept per stream by `run`, in bytes; the rest is dropped and `truncated` set.
  package var outputLimit: Int

  package init(
    _ program: String, _ arguments: [String] = [], environment: [String: String], directory: String? = nil,
    input: [UInt8] = [], inputDescriptor: Int32? = nil, outputDescriptor: Int32? = nil,
    stop: StopLadder = .polite, outputLimit: Int = 64 << 20
  ) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.input = input
    self.inputDescriptor = inputDescriptor
    self.outputDescriptor = outputDescriptor
    self.stop = stop
    self.outputLimit = outputLimit
  }
}

/// Signals to the process group with the time to wait after each; SIGKILL always ends it.
package struct StopLadder: Sendable {
  package struct Rung: Sendable {
    package var signal: Int32
    package var wait: Duration

    package init(signal: Int32, wait: Duration) {
      self.signal = signal
      self.wait = wait
    }
  }

  package var rungs: [Rung]

  package init(_ rungs: [Rung]) {
    self.rungs = rungs
  }

  /// SIGTERM, two seconds, SIGKILL.
  package static let polite = StopLadder([Rung(signal: 15, wait: .seconds(2))])
}

/// How a child ended.
package enum ProcessExit: Sendable, Equatable {
  case code(Int32)
  case signal(Int32)

  package var isSuccess: Bool { self == .code(0) }
}

/// A line of output, without its end of line. Bytes that are not UTF-8 are replaced.
package struct ProcessLine: Sendable, Equatable {
  package enum Stream: Sendable { case output, error }
  package var stream: Stream
  package var text: String

  package init(stream: Stream, text: String) {
    self.stream = stream
    self.text = text
  }
}

/// What a finished child left.
package struct ProcessResult: Sendable {
  package var exit: ProcessExit
  package var output: [UInt8]
  package var errorOutput: [UInt8]
  package var timedOut: Bool
  package var truncated: Bool

  package init(
    exit: ProcessExit, output: [UInt8], errorOutput: [UInt8], timedOut: Bool = false, truncated: Bool = false
  ) {
    self.exit = exit
    self.output = output
    self.errorOutput = errorOutput
    self.timedOut = timedOut
    self.truncated = truncated
  }

  package var text: String { String(decoding: output, as: UTF8.self) }
  package var errorText: String { String(decoding: errorOutput, as: UTF8.self) }
}

/// Why a child could not be started.
package struct ProcessError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable { case notFound, notPermitted, badDirectory, resources, other }
  package var code: Code
  package var description: String

  package init(code: Code, description: String) {
    self.code = code
    self.description = description
  }
}
