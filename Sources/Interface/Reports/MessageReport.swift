/// One sentence about an environment, where there is nothing more to tell.
package struct MessageReport: Report {
  package static let kind = "message"

  package var environment: String
  package var text: String
  /// What to type next.
  package var next: String?

  package init(environment: String, _ text: String, next: String? = nil) {
    self.environment = environment
    self.text = text
    self.next = next
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    [Line([Span(text)], overflow: .wrap(hanging: 2))]
      + (next.map { [Line.labelled("next", [.accent($0)], indent: 2, width: 9)] } ?? [])
  }
}
