//! `hardtack keygen` and `sign`, and whose bundles are taken.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::args::{Keygen, Password, Sign, Trust};
use super::collection::shown;
use super::context::Context;
use super::error::{DIGEST, ENVIRONMENT, Report, USAGE};
use crate::base::{IoContext, Sha256, sha256_file, write_atomic};
use crate::bundle::{Bundle, RUN_ENDING, SUMS};
use crate::report::JSON_FORMAT;
use crate::signature::{Error, KeyPair, PublicKey, SecretKey, sign, signature_of, signature_text, verify};

/// The password that a file has, in its first line.
fn password(context: &Context<'_>, arguments: &Password) -> Result<Option<String>, Report> {
    let Some(path) = &arguments.password_file else { return Ok(None) };
    let path = context.folder.join(path);
    let text = std::fs::read_to_string(&path).at("read", &path)?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    if line.is_empty() {
        return Err(Report::new(USAGE, "usage", format!("`{path}` has no password in its first line")));
    }
    Ok(Some(line))
}

/// Makes a pair of keys.
pub(super) fn keygen(context: &Context<'_>, arguments: &Keygen) -> Result<(), Report> {
    let secret = context.folder.join(&arguments.output);
    let public = KeyPair::public_path(&secret);
    if secret == public {
        return Err(Report::new(USAGE, "usage", format!("`{}` is the name of the public key", arguments.output))
            .hint("give the secret one another ending"));
    }
    if let Some(there) = [&secret, &public].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        let message = format!("`{}` is there already", shown(context, there));
        return Err(Report::new(USAGE, "would-overwrite", message).hint("choose another name with -o"));
    }
    let password = password(context, &arguments.password)?;
    if password.is_none() && !arguments.no_password {
        return Err(Report::new(USAGE, "usage", "the key needs a password, or the word that it has none")
            .hint("--password-file FILE, or --no-password"));
    }
    let pair = KeyPair::generate(password)?;
    pair.write(&secret)?;
    let key = pair.public();
    if context.console.json {
        let value = json!({
            "format": JSON_FORMAT, "key": key.to_text(), "id": key.id().to_string(), "secret": secret, "public": public,
        });
        return context.console.out_json(&value);
    }
    let (secret, public) = (shown(context, &secret), shown(context, &public));
    context.console.say(format!("wrote {secret}, which nobody else may have, and {public}"));
    context.console.out(&format!("{}\n", key.to_text()))
}

pub(super) fn sign_files(context: &Context<'_>, arguments: &Sign) -> Result<(), Report> {
    let key = secret_key(context, &arguments.key, &arguments.password)?;
    for file in &arguments.files {
        let path = context.folder.join(file);
        sign_file(context, &path, &sha256_file(&path)?, &key)?;
    }
    Ok(())
}

/// The key to sign with. Opened before there is anything to be signed, so that a wrong password costs no time.
pub(super) fn secret_key(context: &Context<'_>, path: &Utf8Path, words: &Password) -> Result<SecretKey, Report> {
    Ok(SecretKey::read(&context.folder.join(path), password(context, words)?)?)
}

/// Signs a file of this digest, and says so.
pub(super) fn sign_file(
    context: &Context<'_>,
    path: &Utf8Path,
    sha256: &Sha256,
    key: &SecretKey,
) -> Result<(), Report> {
    let name = path.file_name().unwrap_or_default();
    let comment = format!("file:{name} sha256:{sha256}");
    let signature = sign(path, key, &comment)?;
    context.console.say(format!("{}: signed with key {}", shown(context, &signature), key.id()));
    Ok(())
}

/// Where the signature is of the `SHA256SUMS` in a bundle.
pub(super) fn sums_signature_of(bundle: &Utf8Path) -> Utf8PathBuf {
    signature_of(Utf8Path::new(&format!("{bundle}.{SUMS}")))
}

/// Signs the `SHA256SUMS` in a bundle, beside the bundle, for who unpacks it before it is checked; the signature.
pub(super) fn sign_sums(context: &Context<'_>, path: &Utf8Path, key: &SecretKey) -> Result<String, Report> {
    let name = path.file_name().unwrap_or_default();
    let bundle = Bundle::open(path)?;
    let text = signature_text(bundle.sums(), key, &format!("file:{SUMS} of:{name}"))?;
    let signature = sums_signature_of(path);
    write_atomic(&signature, text.as_bytes(), 0o644)?;
    context.console.say(format!("{}: for what is unpacked first", shown(context, &signature)));
    Ok(text)
}

/// Whether nothing is taken but what somebody who is trusted signed.
pub(super) fn is_required(context: &Context<'_>, arguments: &Trust) -> bool {
    arguments.require_signature || context.trusted.required || !arguments.pubkey.is_empty()
}

/// Looks whose bundle it is, before anything in it is read.
pub(super) fn check(context: &Context<'_>, arguments: &Trust, path: &Utf8Path) -> Result<(), Report> {
    let keys = keys(context, &arguments.pubkey)?;
    // Who names a key wants it to be that one's.
    if path.as_str().ends_with(RUN_ENDING) && path.is_file() {
        let message = format!("`{path}` installs itself");
        let hint = "sh FILE DEST, or sh FILE --verify; its signature is for minisign to check";
        return Err(Report::new(USAGE, "self-extracting", message).hint(hint));
    }
    let required = is_required(context, arguments);
    // What is unpacked is known by its sums, which all of it is compared with.
    let path = &if path.is_dir() { path.join(SUMS) } else { path.to_owned() };
    match verify(path, &keys) {
        Ok(good) => {
            context.console.say(format!("signed by key {}, which is trusted: {}", good.signer, good.comment));
            Ok(())
        }
        Err(Error::Unsigned { .. }) if !required => {
            if !keys.is_empty() {
                context.console.warn(format!("`{}` is not signed", shown(context, path)));
            }
            Ok(())
        }
        Err(Error::Untrusted { signer, .. }) if !required => {
            let words = format!("signed with key {signer}, which nobody here trusts; --pubkey says whom you trust");
            if keys.is_empty() {
                context.console.note(words)
            } else {
                context.console.warn(words)
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// The keys that are trusted: those given, else those of the settings. Who names one wants it to be that one's.
pub(super) fn keys(context: &Context<'_>, given: &[String]) -> Result<Vec<PublicKey>, Report> {
    let given = given.iter().map(|key| read_key(&context.folder, key));
    let known = context.trusted.keys.iter().map(|key| read_key(Utf8Path::new("/"), key));
    let keys: Vec<PublicKey> = given.collect::<Result<_, _>>()?;
    Ok(if keys.is_empty() { known.collect::<Result<_, _>>()? } else { keys })
}

/// A key, or the file that it is in.
fn read_key(folder: &Utf8Path, text: &str) -> Result<PublicKey, Error> {
    let path: Utf8PathBuf = folder.join(text);
    if path.is_file() { PublicKey::read(&path) } else { PublicKey::parse(text) }
}

impl From<Error> for Report {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::PublicKey { .. } => {
                Self::of(USAGE, "not-a-key", &error).hint("one begins with RW; it is the second line of its file")
            }
            Error::SecretKey { .. } => Self::of(USAGE, "not-a-key", &error),
            Error::NoPassword { .. } => Self::of(USAGE, "no-password", &error).hint("--password-file FILE says it"),
            Error::Sign(_) => Self::of(ENVIRONMENT, "not-signed", &error),
            Error::Malformed { .. } => Self::of(DIGEST, "not-a-signature", &error),
            Error::Unsigned { ref path, .. } if path.ends_with(SUMS) => Self::of(DIGEST, "unsigned", &error)
                .hint("copy BUNDLE.SHA256SUMS.minisig there under this name, or install the bundle's own file"),
            Error::Unsigned { .. } => Self::of(DIGEST, "unsigned", &error)
                .hint("copy the .minisig file, too; or do without --pubkey and --require-signature"),
            Error::Untrusted { .. } => Self::of(DIGEST, "untrusted", &error)
                .hint("if you trust it: --pubkey KEY, or [trust] keys in the settings"),
            Error::Wrong { .. } => Self::of(DIGEST, "wrong-signature", &error)
                .hint("do not use it; get the bundle and its signature again"),
        }
    }
}
