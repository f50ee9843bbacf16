// Written by scripts/embed from runbooks/lease-held.md: change that file, then `make docs`.

extension Embedded {
  static let runbooksLeaseHeld = #"""
    # Somebody holds the environment

    Exit 5: another run has the lease. One at a time is what keeps two of them from undoing each other.

    1. See who, since when, and what they do.

       ```sh
       shipit status prod
       ```

    2. It is a deploy that goes well: wait. It takes at most `protect.deadline` of the environment file.

    3. It has to stop: ask it to, from here. It puts away what is not live, takes back what it moved, and you are told what
       became of it.

       ```sh
       shipit cancel prod --reason "wrong branch"
       ```

    4. Nobody is behind it any more (a closed laptop, a lost runner): the lease ends by itself, after 15 seconds, with
       `state: git` after 90. Then find out what was left in flight; a deploy does so too, before anything else.

       ```sh
       shipit settle prod
       ```

    5. It hangs, and keeps the lease. This refuses while the holder renews it; `--force` does it all the same.

       ```sh
       shipit unlock prod --yes
       shipit settle prod
       ```
    """#
}
