//! The exit codes: sysexits(3), in one table.

/// How the program ends. The numbers are those of `sysexits.h`, so that cron, MTAs and scripts
/// that call `sendmail` read them as they always have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every recipient was accepted, or it ended before the message as was asked.
    Ok = 0,
    /// `EX_USAGE`: the command line is wrong.
    Usage = 64,
    /// `EX_DATAERR`: the message or an address is bad.
    DataErr = 65,
    /// `EX_NOINPUT`: an input file cannot be read.
    NoInput = 66,
    /// `EX_NOUSER`: the recipients are unknown to the server.
    NoUser = 67,
    /// `EX_NOHOST`: the host name is unknown.
    NoHost = 68,
    /// `EX_UNAVAILABLE`: refused for good.
    Unavailable = 69,
    /// `EX_SOFTWARE`: a bug.
    Software = 70,
    /// `EX_CANTCREAT`: cannot write to the queue.
    CantCreat = 73,
    /// `EX_IOERR`: local input or output failed.
    IoErr = 74,
    /// `EX_TEMPFAIL`: try again later.
    TempFail = 75,
    /// `EX_PROTOCOL`: the server broke the protocol.
    Protocol = 76,
    /// `EX_NOPERM`: authentication.
    NoPerm = 77,
    /// `EX_CONFIG`: the settings are wrong.
    Config = 78,
}

impl Exit {
    /// The number given to the caller, 0 or 64..=78.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
