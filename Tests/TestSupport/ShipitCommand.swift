import Foundation
import Processes

/// What one call of the built program left.
package struct ShipitResult: Sendable {
  package var code: Int32
  package var output: String
  package var errorOutput: String
  /// Both streams, for searching.
  package var text: String { output + errorOutput }
}

extension GitProject {
  /// Runs the built program in the project.
  package func shipit(
    _ arguments: String..., variables extra: [String: String] = [:], timeout: Duration = .seconds(60)
  ) async throws -> ShipitResult {
    try await shipit(arguments, variables: extra, timeout: timeout)
  }

  package func shipit(
    _ arguments: [String], variables extra: [String: String] = [:], timeout: Duration = .seconds(60)
  ) async throws -> ShipitResult {
    let result = try await Launcher().run(
      ProcessSpecification(
        Checkout.binary, arguments, environment: variables.merging(extra) { _, new in new }, directory: path),
      timeout: timeout)
    let code: Int32 =
      switch result.exit {
      case .code(let code): code
      case .signal(let signal): 128 + signal
      }
    return ShipitResult(code: code, output: result.text, errorOutput: result.errorText)
  }
}
