// A program on Newtonsoft.Json with the types that the old reports have: reads on standard input
// whom to ask what, prints what it decoded. Every key must be there, no other may be, and int,
// double and DateTime take no null.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;

[JsonObject(ItemRequired = Required.Always)]
class Tag
{
    public long id;
    public string name;
}

[JsonObject(ItemRequired = Required.Always)]
class ColouredTag : Tag
{
    public string color;
}

[JsonObject(ItemRequired = Required.Always)]
class Happiness
{
    public double ratingsPercent, okay, great, notGood, happinessScore;
    public int okayCount, greatCount, notGoodCount;
    public int ratingsCount, totalCustomersWithRatings, totalCustomers;
}

[JsonObject(ItemRequired = Required.Always)]
class HappinessDeltas
{
    public double okay, great, notGood, happinessScore, okayCount, greatCount, notGoodCount;
}

[JsonObject(ItemRequired = Required.Always)]
class HappinessReport
{
    public Happiness current;
    [JsonProperty(Required = Required.Default)] public Happiness previous;
    [JsonProperty(Required = Required.Default)] public HappinessDeltas deltas;
}

[JsonObject(ItemRequired = Required.Always)]
class UserHappinessReport : HappinessReport
{
    public List<Tag> filterTags;
}

[JsonObject(ItemRequired = Required.Always)]
class Rating
{
    public int number, ratingId;
    public long id, threadid, ratingCustomerId, ratingUserId;
    public string type, ratingComments, ratingCustomerName, ratingUserName;
    public DateTime threadCreatedAt, ratingCreatedAt;
}

[JsonObject(ItemRequired = Required.Always)]
class Page<T>
{
    public int pages, page, count;
    public List<T> results;
}

[JsonObject(ItemRequired = Required.Always)]
class User
{
    public long id;
    public bool hasPhoto;
    public DateTime createdAt;
    public string name;
    [JsonProperty(Required = Required.AllowNull)] public string photoUrl;
    public int totalCustomersHelped;
}

[JsonObject(ItemRequired = Required.Always)]
class UserFigures
{
    public DateTime startDate, endDate;
    public int totalDays, resolved, conversationsCreated, closed, totalReplies;
    public int resolvedOnFirstReply, customersHelped, totalConversations;
    public int responseTime, averageFirstResponseTime;
    public double percentResolvedOnFirstReply, repliesToResolve, handleTime, happinessScore;
    public double resolutionTime, repliesPerDay, conversationsPerDay;
}

[JsonObject(ItemRequired = Required.Always)]
class CurrentUserFigures : UserFigures
{
    public int busiestDay;
}

[JsonObject(ItemRequired = Required.Always)]
class UserDeltas
{
    public double resolved, conversationsCreated, closed, totalReplies, resolvedOnFirstReply;
    public double customersHelped, totalConversations, activeConversations, responseTime;
    public double repliesToResolve, handleTime, happinessScore, resolutionTime;
    public double repliesPerDay, conversationsPerDay;
}

[JsonObject(ItemRequired = Required.Always)]
class UserReport
{
    public List<Tag> filterTags;
    public User user;
    public CurrentUserFigures current;
    [JsonProperty(Required = Required.Default)] public UserFigures previous;
    [JsonProperty(Required = Required.Default)] public UserDeltas deltas;
}

[JsonObject(ItemRequired = Required.Always)]
class Series<T>
{
    public List<T> current;
    [JsonProperty(Required = Required.Default)] public List<T> previous;
}

[JsonObject(ItemRequired = Required.Always)]
class Replies
{
    public DateTime date;
    public int replies;
}

[JsonObject(ItemRequired = Required.Always)]
class Customers
{
    public DateTime date;
    public int customers;
}

[JsonObject(ItemRequired = Required.Always)]
class Resolutions
{
    public DateTime date;
    public int resolved;
}

[JsonObject(ItemRequired = Required.Always)]
class Messages
{
    public DateTime date;
    public int messages;
}

[JsonObject(ItemRequired = Required.Always)]
class NewConversations
{
    public DateTime start;
    public int count;
}

[JsonObject(ItemRequired = Required.Always)]
class Customer
{
    public long id;
    public string name;
}

[JsonObject(ItemRequired = Required.Always)]
class Handled
{
    public int number, responseTime, firstResponseTime, resolveTime, repliesSent;
    public long id;
    public string status;
    public List<Customer> customers;
    public double avgHandleTime;
}

[JsonObject(ItemRequired = Required.Always)]
class Row
{
    public long id, mailboxid, assignedid;
    public int number, threadCount;
    public string type, subject, status, preview, customerName, customerEmail;
    public bool attachments;
    public List<long> customerIds;
    public DateTime modifiedAt;
    [JsonProperty(Required = Required.Default)] public DateTime? waitingSince;
    [JsonProperty(Required = Required.Default)] public int? waitingSinceType;
    public List<ColouredTag> tags;
    [JsonProperty(Required = Required.Default)] public string assignedName;
}

[JsonObject(ItemRequired = Required.Always)]
class Drilldown
{
    public Page<Row> conversations;
}

[JsonObject(ItemRequired = Required.Always)]
class Invalid
{
    public string property, message;
    [JsonProperty(Required = Required.Default)] public string value;
}

[JsonObject(ItemRequired = Required.Always)]
class Failure
{
    public int code;
    public string error;
    [JsonProperty(Required = Required.Default)] public List<Invalid> validationErrors;
}

class Asked
{
    public string report, query, body;
}

class Input
{
    public string base_url, key;
    public List<Asked> asked;
}

class Output
{
    public int? status;
    public object decoded;
    public string refused;
}

static class StrictClient
{
    static readonly Dictionary<string, Type> Reports = new Dictionary<string, Type>
    {
        { "happiness", typeof(HappinessReport) },
        { "happiness/ratings", typeof(Page<Rating>) },
        { "user", typeof(UserReport) },
        { "user/happiness", typeof(UserHappinessReport) },
        { "user/ratings", typeof(Page<Rating>) },
        { "user/replies", typeof(Series<Replies>) },
        { "user/customers-helped", typeof(Series<Customers>) },
        { "user/resolutions", typeof(Series<Resolutions>) },
        { "user/conversation-history", typeof(Page<Handled>) },
        { "conversations/new", typeof(Series<NewConversations>) },
        { "conversations/received-messages", typeof(Series<Messages>) },
        { "conversations/new-drilldown", typeof(Drilldown) },
    };

    // Without its own guess at what is a date, the library reads this form alone.
    static readonly IsoDateTimeConverter Dates = new IsoDateTimeConverter
    {
        DateTimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'",
        DateTimeStyles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
    };

    static readonly JsonSerializerSettings Settings = new JsonSerializerSettings
    {
        MissingMemberHandling = MissingMemberHandling.Error,
        NullValueHandling = NullValueHandling.Ignore,
        DateParseHandling = DateParseHandling.None,
        Converters = { Dates },
    };

    static string Fetched(Input input, Asked asked, Output output)
    {
        var url = input.base_url + "/" + asked.report + ".json?" + asked.query;
        var request = (HttpWebRequest)WebRequest.Create(url);
        var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes(input.key + ":X"));
        request.Headers["Authorization"] = "Basic " + basic;
        request.Proxy = null;
        HttpWebResponse response;
        try
        {
            response = (HttpWebResponse)request.GetResponse();
        }
        catch (WebException error)
        {
            if (error.Response == null)
            {
                throw;
            }
            response = (HttpWebResponse)error.Response;
        }
        output.status = (int)response.StatusCode;
        using (var reader = new StreamReader(response.GetResponseStream(), Encoding.UTF8))
        {
            return reader.ReadToEnd();
        }
    }

    static Output Outcome(Input input, Asked asked)
    {
        var output = new Output();
        var body = asked.body ?? Fetched(input, asked, output);
        var failed = output.status != null && output.status != 200;
        var type = failed ? typeof(Failure) : Reports[asked.report];
        try
        {
            output.decoded = JsonConvert.DeserializeObject(body, type, Settings);
        }
        catch (Exception error) when (error is JsonException || error is FormatException)
        {
            output.refused = error.Message;
        }
        return output;
    }

    static void Main()
    {
        var stdin = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        var input = JsonConvert.DeserializeObject<Input>(stdin.ReadToEnd());
        var outputs = input.asked.ConvertAll(asked => Outcome(input, asked));
        using (var stdout = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)))
        {
            stdout.Write(JsonConvert.SerializeObject(outputs, Settings));
        }
    }
}
