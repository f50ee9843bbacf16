package import Concurrency

/// What a host's certificate says of itself, in libcurl's words (CURLINFO_CERTINFO).
package struct Certificate: Sendable, Hashable {
  package var subject: String
  package var issuer: String
  /// Until then it is valid.
  package var ends: Timestamp

  package init(subject: String, issuer: String, ends: Timestamp) {
    self.subject = subject
    self.issuer = issuer
    self.ends = ends
  }

  /// Whole days that are left at a moment; below zero when it has ended.
  package func daysLeft(at now: Timestamp) -> Int {
    let milliseconds = (ends - now).wholeMilliseconds
    return Int((Double(milliseconds) / 86_400_000).rounded(.down))
  }

  /// Reads lines of `NAME:VALUE`; nil when they do not say when it ends.
  init?(lines: [String]) {
    var fields: [String: String] = [:]
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
    }
    guard let ends = fields["Expire date"].flatMap(Certificate.moment) else { return nil }
    self.init(subject: fields["Subject"] ?? "", issuer: fields["Issuer"] ?? "", ends: ends)
  }

  /// `Feb  3 12:00:00 2027 GMT`, as OpenSSL writes moments, or `2027-02-03 12:00:00 GMT`, as other libraries do.
  static func moment(_ text: String) -> Timestamp? {
    let words = text.split(separator: " ").map(String.init)
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    if words.count == 5, words[4] == "GMT", let month = months.firstIndex(of: words[0]) {
      let day = words[1].count == 1 ? "0\(words[1])" : words[1]
      let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
      return Timestamp(iso8601: "\(words[3])-\(number)-\(day)T\(words[2])Z")
    }
    guard words.count == 3, words[2] == "GMT" else { return nil }
    return Timestamp(iso8601: "\(words[0])T\(words[1])Z")
  }
}
