// Written by scripts/embed from runbooks/rollback-failed.md: change that file, then `make docs`.

extension Embedded {
  static let runbooksRollbackFailed = #"""
    # A rollback failed

    Exit 10: somebody asked for the previous release, and it was not restored everywhere. Users may get either.

    1. See what runs where. Rows that differ from the record are marked.

       ```sh
       shipit status prod
       ```

    2. See which step failed.

       ```sh
       shipit why prod
       ```

    3. Try again. What is restored already is proven and left alone.

       ```sh
       shipit rollback prod --yes --reason "again: the first rollback failed"
       ```

    4. The release before cannot be restored at all: take an older one. Pick a good one from the list.

       ```sh
       shipit history prod
       shipit rollback prod --to 1 --yes --reason "the release before cannot be restored"
       ```

    5. The ledger is lost or cannot be reached: go by the platforms' own history. It is a guess, and says so.

       ```sh
       shipit rollback prod --without-ledger --yes
       ```

    A hold is left behind, so that nobody deploys the cause again. When it is mended:

    ```sh
    shipit unhold prod
    ```
    """#
}
