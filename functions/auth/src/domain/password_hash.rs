//! Password hashes: Argon2id version 19 (RFC 9106) in PHC strings, nothing else.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use subtle::ConstantTimeEq;

use super::password::Password;

/// Length of a salt in bytes (RFC 9106 §3.1 recommends 16).
pub const SALT_BYTES: usize = 16;

const HASH_BYTES: usize = 32;
const PREFIX: &str = "$argon2id$v=19$";

/// Cost of a hash: memory in KiB, passes over it, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Memory of a hash, in KiB: no less than [`Parameters::FLOOR`], so that no password is ever hashed
/// weakly, and no more than [`Parameters::CEILING`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryKib(u32);

/// Passes of a hash, within the same bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes(u32);

/// A cost that is no number, below the floor or above the ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostError {
    least: u32,
    most: u32,
}

impl fmt::Display for CostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "write a number from {} to {}", self.least, self.most)
    }
}

impl FromStr for MemoryKib {
    type Err = CostError;

    fn from_str(text: &str) -> Result<Self, CostError> {
        within(text, Parameters::FLOOR.memory_kib, Parameters::CEILING.memory_kib).map(Self)
    }
}

impl FromStr for Passes {
    type Err = CostError;

    fn from_str(text: &str) -> Result<Self, CostError> {
        within(text, Parameters::FLOOR.passes, Parameters::CEILING.passes).map(Self)
    }
}

fn within(text: &str, least: u32, most: u32) -> Result<u32, CostError> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or(CostError { least, most })
}

impl Parameters {
    /// The default: 64 MiB, two passes, one lane.
    pub const DEFAULT: Self = Self { memory_kib: 65_536, passes: 2, lanes: 1 };

    /// The least that may be configured.
    pub const FLOOR: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// The most that is ever computed.
    pub const CEILING: Self = Self { memory_kib: 262_144, passes: 10, lanes: 4 };

    /// Parameters to hash new passwords with, on one lane.
    pub fn new(memory: MemoryKib, passes: Passes) -> Self {
        Self { memory_kib: memory.0, passes: passes.0, lanes: 1 }
    }

    fn exceed_ceiling(self) -> bool {
        let ceiling = Self::CEILING;
        self.memory_kib > ceiling.memory_kib
            || self.passes > ceiling.passes
            || self.lanes > ceiling.lanes
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "m={},t={},p={}", self.memory_kib, self.passes, self.lanes)
    }
}

/// Why a hash was not read or not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashError {
    /// Not `$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>` with a salt of 16 and a hash of 32 bytes.
    Format,
    /// The string asks for more work than `Parameters::CEILING`.
    Hostile,
    /// Argon2 refused the parameters or found no memory.
    NotComputed,
}

/// A stored password hash. Prints without salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    parameters: Parameters,
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
}

impl PasswordHash {
    /// Hashes a password with this random salt. Takes the time and memory the parameters ask for.
    pub fn compute(
        password: &Password,
        salt: [u8; SALT_BYTES],
        parameters: Parameters,
    ) -> Result<Self, HashError> {
        Ok(Self { parameters, salt, hash: argon2id(password, &salt, parameters)? })
    }

    /// Reads a stored string. Refuses other algorithms and versions, unusual lengths, and
    /// parameters above the ceiling, before any work.
    pub fn parse(phc: &str) -> Result<Self, HashError> {
        let mut fields = phc.strip_prefix(PREFIX).ok_or(HashError::Format)?.split('$');
        let (Some(costs), Some(salt), Some(hash), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(HashError::Format);
        };
        let parameters = read_costs(costs).ok_or(HashError::Format)?;
        if parameters.exceed_ceiling() {
            return Err(HashError::Hostile);
        }
        Ok(Self { parameters, salt: read_bytes(salt)?, hash: read_bytes(hash)? })
    }

    /// The string to store.
    pub fn phc(&self) -> String {
        let (salt, hash) = (BASE64_NOPAD.encode(&self.salt), BASE64_NOPAD.encode(&self.hash));
        format!("{PREFIX}{}${salt}${hash}", self.parameters)
    }

    /// A hash no password has, at the cost of these parameters: what is verified for unknown
    /// accounts, so that they take as long as known ones.
    pub fn dummy(parameters: Parameters) -> Self {
        Self { parameters, salt: [0; SALT_BYTES], hash: [0; HASH_BYTES] }
    }

    /// Whether this is the hash of `password`, compared in constant time, at the cost the hash was
    /// made with.
    pub fn verify(&self, password: &Password) -> Result<bool, HashError> {
        let computed = argon2id(password, &self.salt, self.parameters)?;
        Ok(computed.ct_eq(&self.hash).into())
    }

    /// Whether a hash with other than the current parameters should be replaced after a good login.
    pub fn is_outdated(&self, current: Parameters) -> bool {
        self.parameters != current
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PasswordHash({}, [hidden])", self.parameters)
    }
}

fn argon2id(
    password: &Password,
    salt: &[u8],
    parameters: Parameters,
) -> Result<[u8; HASH_BYTES], HashError> {
    let Parameters { memory_kib, passes, lanes } = parameters;
    let params = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES))
        .map_err(|_| HashError::NotComputed)?;
    let mut hash = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.bytes(), salt, &mut hash)
        .map_err(|_| HashError::NotComputed)?;
    Ok(hash)
}

fn read_costs(text: &str) -> Option<Parameters> {
    let (memory_kib, rest) = text.strip_prefix("m=")?.split_once(",t=")?;
    let (passes, lanes) = rest.split_once(",p=")?;
    let parameters = Parameters {
        memory_kib: memory_kib.parse().ok()?,
        passes: passes.parse().ok()?,
        lanes: lanes.parse().ok()?,
    };
    // One spelling only: no signs, no leading zeros.
    (parameters.to_string() == text).then_some(parameters)
}

fn read_bytes<const N: usize>(text: &str) -> Result<[u8; N], HashError> {
    BASE64_NOPAD
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(HashError::Format)
}

#[cfg(test)]
mod tests {
    use kernel::Secret;

    use super::*;

    /// Far below the floor, for speed; only tests can build it.
    const QUICK: Parameters = Parameters { memory_kib: 64, passes: 1, lanes: 1 };

    fn password(raw: &str) -> Password {
        Password::presented(&Secret::new(raw.to_owned()))
    }

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let hash = PasswordHash::compute(&password("correct horse"), [7; 16], QUICK).unwrap();
        let stored = PasswordHash::parse(&hash.phc()).unwrap();
        assert_eq!(stored.verify(&password("correct horse")), Ok(true));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse", "correct horse\0"] {
            assert_eq!(stored.verify(&password(wrong)), Ok(false), "{wrong:?}");
        }
    }

    #[test]
    fn long_passwords_that_differ_in_the_last_byte_differ() {
        let (a, b) = ("x".repeat(199) + "a", "x".repeat(199) + "b");
        let hash = PasswordHash::compute(&password(&a), [7; 16], QUICK).unwrap();
        assert_eq!(hash.verify(&password(&b)), Ok(false));
    }

    #[test]
    fn the_string_is_that_of_the_reference_implementation() {
        // Python cryptography 48: Argon2id(salt=b"somesaltsomesalt", length=32, iterations=2,
        // lanes=1, memory_cost=19456).derive(b"password")
        let known = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$K13EBUiG7JV+9ZxztmHFTdb7J0WQsnj2V8bZaqyPptE";
        let hash =
            PasswordHash::compute(&password("password"), *b"somesaltsomesalt", Parameters::FLOOR);
        assert_eq!(hash.unwrap().phc(), known);
    }

    #[test]
    fn the_dummy_has_the_cost_of_new_hashes_and_no_password() {
        let dummy = PasswordHash::dummy(QUICK);
        assert!(!dummy.is_outdated(QUICK));
        assert_eq!(
            dummy.phc().len(),
            PasswordHash::compute(&password("x"), [1; 16], QUICK).unwrap().phc().len()
        );
        assert_eq!(dummy.verify(&password("")), Ok(false));
        assert_eq!(PasswordHash::parse(&dummy.phc()), Ok(dummy));
    }

    #[test]
    fn a_configured_cost_stays_between_floor_and_ceiling() {
        let memory = [
            ("19455", false),
            ("19456", true),
            ("262144", true),
            ("262145", false),
            ("", false),
            ("much", false),
        ];
        for (text, fits) in memory {
            assert_eq!(text.parse::<MemoryKib>().is_ok(), fits, "{text}");
        }
        for (text, fits) in [("1", false), ("2", true), ("10", true), ("11", false), ("-2", false)]
        {
            assert_eq!(text.parse::<Passes>().is_ok(), fits, "{text}");
        }
        let cost = Parameters::new("65536".parse().unwrap(), "2".parse().unwrap());
        assert_eq!(cost, Parameters::DEFAULT);
        let refused = "1".parse::<Passes>().unwrap_err().to_string();
        assert_eq!(refused, "write a number from 2 to 10");
    }

    #[test]
    fn other_parameters_ask_for_a_new_hash() {
        let hash = PasswordHash::dummy(Parameters::FLOOR);
        assert!(hash.is_outdated(Parameters::DEFAULT));
        assert!(!hash.is_outdated(Parameters::FLOOR));
    }

    #[test]
    fn strings_of_another_form_and_hostile_costs_are_refused_before_any_work() {
        use HashError::{Format, Hostile};
        let salt = "c29tZXNhbHRzb21lc2FsdA";
        let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let costs = "m=65536,t=2,p=1";
        let table = [
            (String::new(), Format),
            (format!("$argon2i$v=19${costs}${salt}${hash}"), Format),
            (format!("$argon2id$v=16${costs}${salt}${hash}"), Format),
            (format!("$argon2id${costs}${salt}${hash}"), Format),
            (format!("$argon2id$v=19${costs}${salt}"), Format),
            (format!("$argon2id$v=19${costs}${salt}${hash}$"), Format),
            (format!("$argon2id$v=19${costs}${salt}=${hash}"), Format),
            (format!("$argon2id$v=19${costs}$c29tZXNhbHQ${hash}"), Format),
            (format!("$argon2id$v=19${costs}${salt}${}", &hash[1..]), Format),
            (format!("$argon2id$v=19$t=2,m=65536,p=1${salt}${hash}"), Format),
            (format!("$argon2id$v=19$m=+65536,t=2,p=1${salt}${hash}"), Format),
            (format!("$argon2id$v=19$m=065536,t=2,p=1${salt}${hash}"), Format),
            (format!("$argon2id$v=19$m=4294967296,t=2,p=1${salt}${hash}"), Format),
            (format!("$argon2id$v=19$m=262145,t=2,p=1${salt}${hash}"), Hostile),
            (format!("$argon2id$v=19$m=65536,t=11,p=1${salt}${hash}"), Hostile),
            (format!("$argon2id$v=19$m=65536,t=2,p=5${salt}${hash}"), Hostile),
        ];
        for (phc, expected) in table {
            assert_eq!(PasswordHash::parse(&phc), Err(expected), "{phc}");
        }
    }

    #[test]
    fn impossible_parameters_are_an_error_not_a_panic() {
        let phc = PasswordHash::dummy(QUICK).phc().replace("m=64", "m=0");
        let hash = PasswordHash::parse(&phc).unwrap();
        assert_eq!(hash.verify(&password("x")), Err(HashError::NotComputed));
    }

    #[test]
    fn salt_and_hash_are_not_printed() {
        let hash = PasswordHash::dummy(Parameters::FLOOR);
        assert_eq!(format!("{hash:?}"), "PasswordHash(m=19456,t=2,p=1, [hidden])");
    }
}
