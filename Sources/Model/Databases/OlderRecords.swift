/// Records of ledgers that were written before shipit knew of databases: the lists are missing there, and a
/// rollback has to read them all the same. The synthesized decoding picks these, being more specific.
extension KeyedDecodingContainer {
  func decode(_ type: [DatabaseTarget].Type, forKey key: Key) throws -> [DatabaseTarget] {
    try decodeIfPresent(type, forKey: key) ?? []
  }

  func decode(_ type: [ReleasedMigration].Type, forKey key: Key) throws -> [ReleasedMigration] {
    try decodeIfPresent(type, forKey: key) ?? []
  }
}
