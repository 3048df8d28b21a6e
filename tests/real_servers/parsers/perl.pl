# What Perl's Email::MIME sees in the messages whose files are named on stdin: a line of JSON each.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Email::MIME;
use Encode qw(decode);
use JSON::PP;

my $json = JSON::PP->new->utf8->canonical;

sub parsed { Email::MIME::ContentType::parse_content_type($_[0]->header_raw("Content-Type")) }

sub kind { my $type = parsed($_[0]); "$type->{type}/$type->{subtype}" }

sub tree {
    my ($part) = @_;
    my $kind = kind($part);
    my ($subtype) = $kind =~ m{^multipart/(.*)} or return $kind;
    return "$subtype(" . join(" ", map { tree($_) } $part->subparts) . ")";
}

sub leaves {
    my ($part) = @_;
    return kind($part) =~ m{^multipart/} ? map { leaves($_) } $part->subparts : $part;
}

sub leaf {
    my ($part) = @_;
    my $octets = $part->body;
    my $field = $part->header_raw("Content-Disposition");
    my $disposition = $field ? Email::MIME::ContentType::parse_content_disposition($field) : {};
    my $found = {
        kind        => kind($part),
        disposition => $disposition->{type} // "",
        name        => $disposition->{attributes}{filename} // "",
        id          => $part->header("Content-ID") // "",
        sha         => sha256_hex($octets),
    };
    # As one reads it who knows no RFC 2231.
    $found->{old_name} = decode("MIME-Header", parsed($part)->{attributes}{name} // "");
    if (!$field) {
        ($found->{text} = decode(parsed($part)->{attributes}{charset}, $octets)) =~ s/\r\n/\n/g;
    }
    return $found;
}

while (my $path = <STDIN>) {
    chomp $path;
    open my $file, "<:raw", $path or die "$path: $!";
    my $message = Email::MIME->new(do { local $/; <$file> });
    print $json->encode({
        subject => $message->header_str("Subject"),
        to      => [map { $_->phrase } $message->header_as_obj("To")->addresses],
        tree    => tree($message),
        leaves  => [map { leaf($_) } leaves($message)],
    }), "\n";
}
