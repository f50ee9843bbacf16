/// Over how long a written query looks back.
package enum QueryWindows {
  /// - Returns: the longest range that its numbers come from; nil when there is none.
  package static func longest(in query: String) -> Duration? { QueryText(query).windows.max() }
}
