extension Timestamp {
  /// Reads the date of an HTTP header, `Sun, 06 Nov 1994 08:49:37 GMT`.
  package init?(httpDate text: String) {
    let words = text.split(whereSeparator: { $0 == " " || $0 == "," })
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard words.count == 6, let month = months.firstIndex(of: String(words[2])), words[5] == "GMT" else {
      return nil
    }
    func two(_ text: some StringProtocol) -> String { text.count < 2 ? "0\(text)" : String(text) }
    self.init(iso8601: "\(words[3])-\(two(String(month + 1)))-\(two(words[1]))T\(words[4])Z")
  }
}
